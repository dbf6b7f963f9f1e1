mock_provider "google" {}

mock_provider "cloudflare" {
  mock_resource "cloudflare_zero_trust_tunnel_cloudflared" {
    defaults = { id = "11111111-2222-3333-4444-555555555555" }
  }
  mock_data "cloudflare_zero_trust_tunnel_cloudflared_token" {
    defaults = { token = "token-of-the-tunnel" }
  }
}

mock_provider "random" {}

variables {
  name        = "firsthop"
  region      = "us-south1"
  zones       = ["us-south1-a", "us-south1-b"]
  coordinates = { latitude = 32.8, longitude = -96.8 }
  cluster     = 7
  network = {
    network               = "network"
    subnet                = "subnet"
    relay_tag             = "firsthop-relay"
    transceiver_tag       = "firsthop-transceiver"
    relay_link_port       = 7500
    transceiver_link_port = 7600
  }
  transceivers = 3
  package = {
    url    = "gs://packages/transceiver.tar.gz"
    sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
  }
  cloudflared = {
    url    = "gs://packages/cloudflared"
    sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
  }
  control = {
    account_id = "account"
    zone       = { id = "zone", name = "example.com", control_prefix = "firsthop-control-" }
  }
  secret_environment = {
    UPSTASH_REDIS_REST_URL   = "https://store.example"
    UPSTASH_REDIS_REST_TOKEN = "token-of-the-store"
    FIRSTHOP_ROUTE_KEYS      = "0:00112233445566778899aabbccddeeff"
    FIRSTHOP_CONTROL_KEY     = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
  }
}

run "gives_each_transceiver_a_seat" {
  assert {
    condition     = keys(google_compute_instance_group_manager.seat) == ["firsthop-trx-us-south1-0", "firsthop-trx-us-south1-1", "firsthop-trx-us-south1-2"]
    error_message = "there must be a group for each seat"
  }
  assert {
    condition     = alltrue([for seat in google_compute_instance_group_manager.seat : seat.target_size == 1 && seat.update_policy[0].type == "OPPORTUNISTIC" && seat.instance_lifecycle_policy[0].force_update_on_repair == "YES"])
    error_message = "a seat must have one machine, which nothing replaces by itself"
  }
  assert {
    condition     = [for seat in google_compute_instance_group_manager.seat : seat.zone] == ["us-south1-a", "us-south1-b", "us-south1-a"]
    error_message = "seats must take the zones in turn"
  }
  assert {
    condition = output.transceivers["firsthop-trx-us-south1-2"] == {
      region      = "us-south1"
      cluster     = 7
      transceiver = 512
      control_url = "https://firsthop-control-firsthop-trx-us-south1-2.example.com"
      capacity    = 100
    }
    error_message = "the output must be what the registry will say"
  }
}

run "is_reached_by_the_tunnel_only" {
  assert {
    condition     = alltrue([for template in google_compute_instance_template.transceiver : length(template.network_interface[0].access_config) == 0])
    error_message = "a transceiver must have no public address"
  }
  assert {
    condition     = [for allow in google_compute_firewall.health.allow : "${allow.protocol} ${join(",", allow.ports)}"] == ["tcp 7482"] && !contains(google_compute_firewall.health.source_ranges, "0.0.0.0/0")
    error_message = "only health checks may come in, to the admin port"
  }
  assert {
    condition     = alltrue([for data in values(output.user_data) : strcontains(data, "FIRSTHOP_CONTROL=127.0.0.1:7480\\n") && strcontains(data, "FIRSTHOP_CLUSTER=7\\n")])
    error_message = "the control endpoint must listen on loopback"
  }
}

run "keeps_secrets_out_of_templates" {
  assert {
    condition = alltrue([
      for secret in ["token-of-the-store", "token-of-the-tunnel", "00112233445566778899aabbccddeeff"] :
      !anytrue([for data in values(output.user_data) : strcontains(data, secret)])
    ])
    error_message = "no secret may stand in a template"
  }
  assert {
    condition     = nonsensitive(google_secret_manager_secret_version.tunnel["firsthop-trx-us-south1-0"].secret_data) == "token-of-the-tunnel"
    error_message = "the tunnel's token must be a secret of its own"
  }
}

run "refuses_numbers_that_routes_cannot_carry" {
  command = plan
  variables {
    cluster = 4096
    zones   = ["europe-west3-a"]
  }
  expect_failures = [var.cluster, var.zones]
}
