mock_provider "google" {
  mock_resource "google_compute_address" {
    defaults = { address = "203.0.113.7" }
  }
}
mock_provider "cloudflare" {}
mock_provider "upstash" {}
mock_provider "random" {}

variables {
  google_project        = "project"
  cloudflare_account_id = "account"
  cloudflare_zone       = { id = "zone", name = "example.com" }
  hostname              = "voice.example.com"
  open_demo             = true
  relay_package         = { url = "gs://packages/relay.tar.gz", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" }
  transceiver_package   = { url = "gs://packages/transceiver.tar.gz", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" }
  cloudflared           = { url = "gs://packages/cloudflared", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" }
}

run "brings_up_three_regions" {
  command = plan
  assert {
    condition     = toset([for relay in output.fleet.relays : relay.region]) == toset(["us-south1", "europe-west3", "asia-northeast1"])
    error_message = "there must be relays in three regions"
  }
  assert {
    condition     = length(output.fleet.transceivers) == 6 && length(distinct([for node in values(output.fleet.transceivers) : "${node.cluster}/${node.transceiver}"])) == 6
    error_message = "there must be two transceivers in each region, each with numbers of its own"
  }
  assert {
    condition     = output.url == "https://voice.example.com"
    error_message = "the output must say where the API is"
  }
}

run "refuses_two_clusters_of_one_number" {
  command = plan
  variables {
    regions = {
      for region in ["us-south1", "europe-west3"] : region => {
        coordinates  = { latitude = 0, longitude = 0 }
        subnet       = "10.0.0.0/20"
        zones        = ["${region}-a"]
        cluster      = 1
        relays       = { min = 1, max = 1 }
        transceivers = 1
      }
    }
  }
  expect_failures = [var.regions]
}

run "refuses_a_deployment_that_nobody_may_call" {
  command = plan
  variables {
    open_demo = false
  }
  expect_failures = [var.api_keys]
}
