# The transceivers of one region. Routes name a transceiver by two numbers (docs/routing-ufrag.md), so each has a seat
# of its own: an instance group of one machine, which is made again under the same numbers when it is lost. No machine
# has a public address; clients come by relays, the Worker comes by a tunnel.

resource "google_compute_health_check" "alive" {
  name                = local.name
  check_interval_sec  = 10
  timeout_sec         = 5
  healthy_threshold   = 1
  unhealthy_threshold = 6

  http_health_check {
    port         = local.admin_port
    request_path = "/healthz"
  }
}

resource "google_compute_firewall" "health" {
  name          = "${local.name}-health"
  network       = var.network.network
  description   = "Google's health checks"
  direction     = "INGRESS"
  source_ranges = ["35.191.0.0/16", "130.211.0.0/22"]
  target_tags   = [local.name]

  allow {
    protocol = "tcp"
    ports    = [tostring(local.admin_port)]
  }
}

module "tunnel" {
  source   = "../control-tunnel"
  for_each = local.seats

  account_id   = var.control.account_id
  zone         = var.control.zone
  node         = each.key
  control_port = local.control_port
}

resource "google_compute_instance_template" "transceiver" {
  for_each = local.seats

  name_prefix  = "${local.name}-${each.value}-"
  region       = var.region
  machine_type = var.machine_type
  tags         = [var.network.transceiver_tag, local.name]

  disk {
    source_image = var.image
    boot         = true
    auto_delete  = true
    disk_size_gb = 10
  }

  network_interface {
    subnetwork = var.network.subnet
    nic_type   = "GVNIC"
  }

  metadata = {
    user-data              = local.user_data[each.key]
    block-project-ssh-keys = "true"
    enable-oslogin         = "TRUE"
  }

  service_account {
    email  = google_service_account.transceiver.email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_instance_group_manager" "seat" {
  for_each = local.seats

  name               = each.key
  zone               = var.zones[each.value % length(var.zones)]
  base_instance_name = each.key
  target_size        = 1

  version {
    instance_template = google_compute_instance_template.transceiver[each.key].id
  }

  auto_healing_policies {
    health_check      = google_compute_health_check.alive.id
    initial_delay_sec = 180
  }

  # A machine that is made again is made by the newest template: so a drained one is upgraded.
  instance_lifecycle_policy {
    force_update_on_repair = "YES"
  }

  # A call lives in one process: nothing is replaced before an operator has drained it (docs/operate.md).
  update_policy {
    type                  = "OPPORTUNISTIC"
    minimal_action        = "REPLACE"
    max_surge_fixed       = 0
    max_unavailable_fixed = 1
  }
}

locals {
  name         = "${var.name}-trx-${var.region}"
  admin_port   = 7482
  control_port = 7480
  # Each thread of a transceiver takes a number in routes (docs/transceiver.md), and a machine has at most 255.
  ids_of_a_seat = 256
  # By node id.
  seats = { for seat in range(var.transceivers) : "${local.name}-${seat}" => seat }

  environment = {
    for id, seat in local.seats : id => {
      FIRSTHOP_REGION        = var.region
      FIRSTHOP_LATITUDE      = tostring(var.coordinates.latitude)
      FIRSTHOP_LONGITUDE     = tostring(var.coordinates.longitude)
      FIRSTHOP_CLUSTER       = tostring(var.cluster)
      FIRSTHOP_TRANSCEIVER   = tostring(seat * local.ids_of_a_seat)
      FIRSTHOP_CONTROL       = "127.0.0.1:${local.control_port}"
      FIRSTHOP_CONTROL_URL   = module.tunnel[id].control_url
      FIRSTHOP_CAPACITY      = tostring(var.capacity)
      FIRSTHOP_ADMIN         = "0.0.0.0:${local.admin_port}"
      FIRSTHOP_DRAIN_SECONDS = tostring(var.drain_seconds)
    }
  }

  machine = {
    for id, seat in local.seats : id => {
      PACKAGE_KIND       = "transceiver"
      PACKAGE_URL        = var.package.url
      PACKAGE_SHA256     = var.package.sha256
      SECRETS_NAME       = google_secret_manager_secret.environment.id
      LINK_PORT          = tostring(var.network.transceiver_link_port)
      TUNNEL_SECRET_NAME = google_secret_manager_secret.tunnel[id].id
      CLOUDFLARED_URL    = var.cloudflared.url
      CLOUDFLARED_SHA256 = var.cloudflared.sha256
    }
  }

  packages = "${path.module}/../../packages"
  user_data = {
    for id, seat in local.seats : id => templatefile("${local.packages}/cloud-init/node.yaml.tftpl", {
      units = ["firsthop-transceiver.service", "firsthop-tunnel.service"]
      files = concat(
        [
          { path = "/etc/firsthop/node.env", permissions = "0600", content = join("", [for name, value in local.environment[id] : "${name}=${value}\n"]) },
          { path = "/etc/firsthop/machine.env", permissions = "0600", content = join("", [for name, value in local.machine[id] : "${name}=${value}\n"]) },
          { path = "/usr/local/lib/firsthop/configure", permissions = "0755", content = file("${local.packages}/google/configure") },
          { path = "/etc/sysctl.d/60-firsthop.conf", permissions = "0644", content = file("${local.packages}/systemd/60-firsthop.conf") },
          {
            path        = "/etc/systemd/system/firsthop-transceiver.service.d/10-configure.conf"
            permissions = "0644"
            content     = "[Unit]\nRequires=firsthop-configure.service\nAfter=firsthop-configure.service\n"
          },
        ],
        [
          for unit in ["firsthop-transceiver", "firsthop-tunnel", "firsthop-configure"] :
          { path = "/etc/systemd/system/${unit}.service", permissions = "0644", content = file("${local.packages}/systemd/${unit}.service") }
        ],
      )
    })
  }
}
