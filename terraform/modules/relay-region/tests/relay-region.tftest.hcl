mock_provider "google" {
  mock_resource "google_compute_address" {
    defaults = { address = "203.0.113.7" }
  }
}

variables {
  name        = "firsthop"
  region      = "us-south1"
  coordinates = { latitude = 32.8, longitude = -96.8 }
  network = {
    network               = "network"
    subnet                = "subnet"
    relay_tag             = "firsthop-relay"
    transceiver_tag       = "firsthop-transceiver"
    relay_link_port       = 7500
    transceiver_link_port = 7600
  }
  package = {
    url    = "gs://packages/relay.tar.gz"
    sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
  }
  secret_environment = {
    UPSTASH_REDIS_REST_URL   = "https://store.example"
    UPSTASH_REDIS_REST_TOKEN = "token-of-the-store"
    FIRSTHOP_ROUTE_KEYS      = "0:00112233445566778899aabbccddeeff"
  }
}

run "opens_one_udp_and_one_tcp_port_to_the_world" {
  assert {
    condition = toset([
      for allow in google_compute_firewall.clients.allow : "${allow.protocol} ${join(",", allow.ports)}"
    ]) == toset(["udp 3478", "tcp 443"])
    error_message = "exactly one UDP and one TCP port must be open to the world"
  }
  assert {
    condition     = length(google_compute_firewall.clients.allow) == 2 && google_compute_firewall.clients.source_ranges == toset(["0.0.0.0/0"])
    error_message = "clients must come from anywhere, to two ports"
  }
  assert {
    condition     = !contains(google_compute_firewall.health.source_ranges, "0.0.0.0/0")
    error_message = "the admin port must not be open to the world"
  }
  assert {
    condition     = { for key, rule in google_compute_forwarding_rule.clients : rule.ip_protocol => tolist(rule.ports) } == { UDP = tolist(["3478"]), TCP = tolist(["443"]) }
    error_message = "the balancer must forward exactly these ports"
  }
}

run "keeps_the_address_and_the_clients" {
  assert {
    condition     = google_compute_address.vip.address_type == "EXTERNAL"
    error_message = "the VIP must be a static external address"
  }
  assert {
    condition     = alltrue([for rule in google_compute_forwarding_rule.clients : rule.load_balancing_scheme == "EXTERNAL" && rule.ip_address == google_compute_address.vip.id && rule.target == null])
    error_message = "both ports must be of the VIP, through a passthrough balancer"
  }
  assert {
    condition     = alltrue([for service in google_compute_region_backend_service.clients : service.session_affinity == "CLIENT_IP_PORT_PROTO"])
    error_message = "all packets of a client must go to one relay"
  }
  assert {
    condition     = length(google_compute_instance_template.relay.network_interface[0].access_config) == 0
    error_message = "a relay must have no address of its own"
  }
}

run "scales_and_heals" {
  assert {
    condition     = google_compute_region_autoscaler.relays.autoscaling_policy[0].min_replicas == 2 && google_compute_region_autoscaler.relays.autoscaling_policy[0].max_replicas == 10
    error_message = "the group must have the sizes asked for"
  }
  assert {
    condition     = google_compute_region_instance_group_manager.relays.update_policy[0].max_unavailable_fixed == 0
    error_message = "a new relay must be there before an old one leaves"
  }
  assert {
    condition     = google_compute_region_health_check.ready.http_health_check[0].request_path == "/readyz" && google_compute_region_health_check.alive.http_health_check[0].request_path == "/healthz"
    error_message = "packets must follow readiness, and machines life"
  }
}

run "configures_a_relay_without_a_secret" {
  assert {
    condition = alltrue([
      for line in ["FIRSTHOP_VIP=203.0.113.7", "FIRSTHOP_CLIENT_BIND=203.0.113.7", "FIRSTHOP_CLIENT_PORTS=3478", "FIRSTHOP_TCP_PORTS=443", "FIRSTHOP_REGION=us-south1", "FIRSTHOP_LATITUDE=32.8"] :
      strcontains(output.user_data, "${line}\\n")
    ])
    error_message = "the environment must say where the relay is and what it is bound to"
  }
  assert {
    condition     = !strcontains(output.user_data, "00112233445566778899aabbccddeeff") && !strcontains(output.user_data, "token-of-the-store")
    error_message = "no secret may stand in a template"
  }
  assert {
    condition     = strcontains(nonsensitive(google_secret_manager_secret_version.environment.secret_data), "FIRSTHOP_ROUTE_KEYS=0:00112233445566778899aabbccddeeff\n")
    error_message = "the secret must be the rest of the environment"
  }
  assert {
    condition     = output.relay == { region = "us-south1", latitude = 32.8, longitude = -96.8, vip = "203.0.113.7", udp_port = 3478, tcp_port = 443 }
    error_message = "the output must be what the registry will say"
  }
}

run "refuses_the_control_key" {
  command = plan
  variables {
    secret_environment = {
      UPSTASH_REDIS_REST_URL   = "https://store.example"
      UPSTASH_REDIS_REST_TOKEN = "token"
      FIRSTHOP_ROUTE_KEYS      = "0:00112233445566778899aabbccddeeff"
      FIRSTHOP_CONTROL_KEY     = "00"
    }
  }
  expect_failures = [var.secret_environment]
}

run "refuses_ports_sizes_and_drains_that_cannot_be" {
  command = plan
  variables {
    client_udp_port = 70000
    max_relays      = 1
    drain_seconds   = 600
  }
  expect_failures = [var.client_udp_port, var.max_relays, var.drain_seconds]
}
