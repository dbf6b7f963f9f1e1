# The relays of one region behind one address. The balancer is a passthrough one: it changes neither address nor port
# of a packet, so a relay sees its clients, and answers them without it. docs/relay.md, docs/recovery.md.

resource "google_compute_address" "vip" {
  name         = local.name
  region       = var.region
  address_type = "EXTERNAL"
  network_tier = "PREMIUM"
  description  = "Where the clients of ${var.region} reach its relays"
}

# Health that new packets depend on: a relay that drains, or knows no transceiver, gets none. Flows whose relay is gone
# move to a sibling, which finds them in the store.
resource "google_compute_region_health_check" "ready" {
  name                = "${local.name}-ready"
  region              = var.region
  check_interval_sec  = 1
  timeout_sec         = 1
  healthy_threshold   = 1
  unhealthy_threshold = 2

  http_health_check {
    port         = local.admin_port
    request_path = "/readyz"
  }
}

# Health that a machine's life depends on: its process answers at all.
resource "google_compute_region_health_check" "alive" {
  name                = "${local.name}-alive"
  region              = var.region
  check_interval_sec  = 10
  timeout_sec         = 5
  healthy_threshold   = 1
  unhealthy_threshold = 6

  http_health_check {
    port         = local.admin_port
    request_path = "/healthz"
  }
}

resource "google_compute_region_backend_service" "clients" {
  for_each = local.client_ports

  name                  = "${local.name}-${each.key}"
  region                = var.region
  load_balancing_scheme = "EXTERNAL"
  protocol              = upper(each.key)
  health_checks         = [google_compute_region_health_check.ready.id]
  # A flow is a client's address and port: all its packets go to one relay.
  session_affinity                = "CLIENT_IP_PORT_PROTO"
  connection_draining_timeout_sec = var.drain_seconds

  backend {
    group          = google_compute_region_instance_group_manager.relays.instance_group
    balancing_mode = "CONNECTION"
  }
}

# One port on UDP and one on TCP, on the same address.
resource "google_compute_forwarding_rule" "clients" {
  for_each = local.client_ports

  name                  = "${local.name}-${each.key}"
  region                = var.region
  load_balancing_scheme = "EXTERNAL"
  network_tier          = "PREMIUM"
  ip_address            = google_compute_address.vip.id
  ip_protocol           = upper(each.key)
  ports                 = [tostring(each.value)]
  backend_service       = google_compute_region_backend_service.clients[each.key].id
}

# All that the world may reach.
resource "google_compute_firewall" "clients" {
  name          = "${local.name}-clients"
  network       = var.network.network
  description   = "Clients, from anywhere"
  direction     = "INGRESS"
  source_ranges = ["0.0.0.0/0"]
  target_tags   = [local.name]

  dynamic "allow" {
    for_each = local.client_ports
    content {
      protocol = allow.key
      ports    = [tostring(allow.value)]
    }
  }
}

resource "google_compute_firewall" "health" {
  name          = "${local.name}-health"
  network       = var.network.network
  description   = "Google's health checks"
  direction     = "INGRESS"
  source_ranges = local.health_check_ranges
  target_tags   = [local.name]

  allow {
    protocol = "tcp"
    ports    = [tostring(local.admin_port)]
  }
}

resource "google_compute_instance_template" "relay" {
  name_prefix  = "${local.name}-"
  region       = var.region
  machine_type = var.machine_type
  tags         = [var.network.relay_tag, local.name]

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
    user-data              = local.user_data
    block-project-ssh-keys = "true"
    enable-oslogin         = "TRUE"
  }

  service_account {
    email  = google_service_account.relay.email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "relays" {
  name               = local.name
  region             = var.region
  base_instance_name = local.name

  version {
    instance_template = google_compute_instance_template.relay.id
  }

  auto_healing_policies {
    health_check      = google_compute_region_health_check.alive.id
    initial_delay_sec = 180
  }

  # A new relay is there before an old one leaves; docs/operate.md says what calls hear of it.
  update_policy {
    type                         = "PROACTIVE"
    minimal_action               = "REPLACE"
    instance_redistribution_type = "PROACTIVE"
    max_surge_fixed              = 3
    max_unavailable_fixed        = 0
  }
}

resource "google_compute_region_autoscaler" "relays" {
  name   = local.name
  region = var.region
  target = google_compute_region_instance_group_manager.relays.id

  autoscaling_policy {
    min_replicas    = var.min_relays
    max_replicas    = var.max_relays
    cooldown_period = 120

    # A relay's work is packets, and packets are its processor's. Half of it is the room that a sibling needs.
    cpu_utilization {
      target = 0.5
    }

    # Calls go on where they are: a fleet shrinks slowly.
    scale_in_control {
      time_window_sec = 1800
      max_scaled_in_replicas {
        fixed = 1
      }
    }
  }
}

locals {
  name         = "${var.name}-relay-${var.region}"
  admin_port   = 7470
  client_ports = { udp = var.client_udp_port, tcp = var.client_tcp_port }

  # https://cloud.google.com/load-balancing/docs/health-check-concepts: instance groups, and passthrough balancers, whose
  # probes come for the VIP.
  health_check_ranges = ["35.191.0.0/16", "130.211.0.0/22", "209.85.152.0/22", "209.85.204.0/22"]

  # Client ports are bound to the VIP itself, so that answers leave from it; the admin server listens on every address,
  # because probes come for the VIP, and the firewall lets nothing else in.
  environment = {
    FIRSTHOP_REGION        = var.region
    FIRSTHOP_LATITUDE      = tostring(var.coordinates.latitude)
    FIRSTHOP_LONGITUDE     = tostring(var.coordinates.longitude)
    FIRSTHOP_VIP           = google_compute_address.vip.address
    FIRSTHOP_CLIENT_BIND   = google_compute_address.vip.address
    FIRSTHOP_CLIENT_PORTS  = tostring(var.client_udp_port)
    FIRSTHOP_TCP_PORTS     = tostring(var.client_tcp_port)
    FIRSTHOP_ADMIN         = "0.0.0.0:${local.admin_port}"
    FIRSTHOP_DRAIN_SECONDS = tostring(var.drain_seconds)
    FIRSTHOP_PIN_THREADS   = "true"
  }

  machine = {
    PACKAGE_KIND   = "relay"
    PACKAGE_URL    = var.package.url
    PACKAGE_SHA256 = var.package.sha256
    SECRETS_NAME   = google_secret_manager_secret.environment.id
    LINK_PORT      = tostring(var.network.relay_link_port)
  }

  packages = "${path.module}/../../packages"
  user_data = templatefile("${local.packages}/cloud-init/node.yaml.tftpl", {
    units = ["firsthop-vip.service", "firsthop-relay.service"]
    files = concat(
      [
        { path = "/etc/firsthop/node.env", permissions = "0600", content = local.node_env },
        { path = "/etc/firsthop/machine.env", permissions = "0600", content = local.machine_env },
        { path = "/usr/local/lib/firsthop/configure", permissions = "0755", content = file("${local.packages}/google/configure") },
        { path = "/etc/sysctl.d/60-firsthop.conf", permissions = "0644", content = file("${local.packages}/systemd/60-firsthop.conf") },
        {
          path        = "/etc/systemd/system/firsthop-relay.service.d/10-configure.conf"
          permissions = "0644"
          content     = "[Unit]\nRequires=firsthop-configure.service firsthop-vip.service\nAfter=firsthop-configure.service firsthop-vip.service\n"
        },
      ],
      [
        for unit in ["firsthop-relay", "firsthop-vip", "firsthop-configure"] :
        { path = "/etc/systemd/system/${unit}.service", permissions = "0644", content = file("${local.packages}/systemd/${unit}.service") }
      ],
    )
  })
  node_env    = join("", [for name, value in local.environment : "${name}=${value}\n"])
  machine_env = join("", [for name, value in local.machine : "${name}=${value}\n"])
}
