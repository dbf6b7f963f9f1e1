# One private network across all regions: relays and transceivers reach each other by private addresses, wherever they
# stand, and no machine has a public one. docs/link.md is what runs on it.

resource "google_compute_network" "this" {
  name                    = var.name
  auto_create_subnetworks = false
  routing_mode            = "GLOBAL"
  # The largest that Google Cloud has: a client's packet with the link's header stays one IP packet.
  mtu = var.mtu
}

resource "google_compute_subnetwork" "this" {
  for_each = var.subnets

  name                     = "${var.name}-${each.key}"
  region                   = each.key
  network                  = google_compute_network.this.id
  ip_cidr_range            = each.value
  private_ip_google_access = true
}

# Machines without public addresses reach the store, Cloudflare and the time servers by NAT. Calls do not pass it:
# what comes by a relay's VIP is answered from the VIP.
resource "google_compute_router" "this" {
  for_each = var.subnets

  name    = "${var.name}-${each.key}"
  region  = each.key
  network = google_compute_network.this.id
}

resource "google_compute_router_nat" "this" {
  for_each = var.subnets

  name                               = "${var.name}-${each.key}"
  region                             = each.key
  router                             = google_compute_router.this[each.key].name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.this[each.key].id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }
}

# Whatever no rule here allows is dropped: a network of Google Cloud lets nothing in by itself.
resource "google_compute_firewall" "link_to_relays" {
  name        = "${var.name}-link-to-relays"
  network     = google_compute_network.this.id
  description = "The link, from transceivers to relays"
  direction   = "INGRESS"
  source_tags = [local.tags.transceiver]
  target_tags = [local.tags.relay]

  allow {
    protocol = "udp"
    ports    = [local.relay_link_ports]
  }
}

resource "google_compute_firewall" "link_to_transceivers" {
  name        = "${var.name}-link-to-transceivers"
  network     = google_compute_network.this.id
  description = "The link, from relays to transceivers"
  direction   = "INGRESS"
  source_tags = [local.tags.relay]
  target_tags = [local.tags.transceiver]

  allow {
    protocol = "udp"
    ports    = [local.transceiver_link_ports]
  }
}

# A shell for operators, by Identity-Aware Proxy, whose range this is: nobody reaches it without an account.
resource "google_compute_firewall" "shell" {
  count = var.allow_shell ? 1 : 0

  name          = "${var.name}-shell"
  network       = google_compute_network.this.id
  description   = "SSH through Identity-Aware Proxy"
  direction     = "INGRESS"
  source_ranges = ["35.235.240.0/20"]
  target_tags   = [local.tags.relay, local.tags.transceiver]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

locals {
  tags = {
    relay       = "${var.name}-relay"
    transceiver = "${var.name}-transceiver"
  }
  # FIRSTHOP_LINK and the ports behind it, one for each further thread: docs/operate.md.
  relay_link_ports       = "7500-7563"
  transceiver_link_ports = "7600-7663"
}
