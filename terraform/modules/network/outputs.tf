output "network" {
  description = "What the other modules need to know of the network, by region."
  value = {
    for region, subnet in google_compute_subnetwork.this : region => {
      network         = google_compute_network.this.id
      subnet          = subnet.id
      relay_tag       = local.tags.relay
      transceiver_tag = local.tags.transceiver
      # The first port of the link; further threads take those behind it.
      relay_link_port       = tonumber(split("-", local.relay_link_ports)[0])
      transceiver_link_port = tonumber(split("-", local.transceiver_link_ports)[0])
    }
  }
}
