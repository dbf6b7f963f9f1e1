output "relay" {
  description = "The region's relays as clients, the registry and scripts/doctor know them."
  value = {
    region    = var.region
    latitude  = var.coordinates.latitude
    longitude = var.coordinates.longitude
    vip       = google_compute_address.vip.address
    udp_port  = var.client_udp_port
    tcp_port  = var.client_tcp_port
  }
}

output "user_data" {
  description = "The cloud-init of a relay, which the checks read; it holds no secret."
  value       = local.user_data
}
