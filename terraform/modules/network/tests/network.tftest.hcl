mock_provider "google" {}

variables {
  name = "firsthop"
  subnets = {
    us-south1    = "10.10.0.0/20"
    europe-west3 = "10.10.16.0/20"
  }
}

run "spans_all_regions_with_jumbo_frames" {
  assert {
    condition     = google_compute_network.this.mtu == 8896 && google_compute_network.this.routing_mode == "GLOBAL"
    error_message = "one network with the largest MTU must span all regions"
  }
  assert {
    condition     = !google_compute_network.this.auto_create_subnetworks && length(google_compute_subnetwork.this) == 2
    error_message = "there must be the subnets asked for, and no other"
  }
  assert {
    condition     = alltrue([for region, range in var.subnets : google_compute_subnetwork.this[region].ip_cidr_range == range])
    error_message = "each region must have its own range"
  }
}

run "opens_nothing_to_the_world" {
  assert {
    condition = alltrue([
      for rule in [google_compute_firewall.link_to_relays, google_compute_firewall.link_to_transceivers] :
      length(coalesce(rule.source_ranges, [])) == 0 && length(rule.source_tags) == 1 && length(rule.target_tags) == 1
    ])
    error_message = "the link must be open between nodes only"
  }
  assert {
    condition     = [for allow in google_compute_firewall.link_to_relays.allow : "${allow.protocol} ${join(",", allow.ports)}"] == ["udp 7500-7563"]
    error_message = "relays must take the link on UDP, at a port for each thread"
  }
  assert {
    condition     = length(google_compute_firewall.shell) == 0
    error_message = "there must be no shell unless it is asked for"
  }
}

run "lets_operators_in_by_their_proxy_only" {
  variables {
    allow_shell = true
  }
  assert {
    condition     = google_compute_firewall.shell[0].source_ranges == toset(["35.235.240.0/20"])
    error_message = "a shell must be reached through Identity-Aware Proxy only"
  }
}

run "refuses_a_range_that_is_none" {
  command = plan
  variables {
    subnets = { us-south1 = "10.10.0.0" }
  }
  expect_failures = [var.subnets]
}
