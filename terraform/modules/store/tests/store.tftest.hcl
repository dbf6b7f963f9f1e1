mock_provider "upstash" {
  mock_resource "upstash_redis_database" {
    defaults = { endpoint = "bright-1.upstash.io", rest_token = "writes", read_only_rest_token = "reads" }
  }
}

variables {
  name           = "firsthop"
  primary_region = "us-east-1"
  read_regions   = ["eu-central-1"]
}

run "is_read_in_every_region_and_forgets_nothing" {
  assert {
    condition     = upstash_redis_database.this.region == "global" && upstash_redis_database.this.read_regions == toset(["eu-central-1"]) && upstash_redis_database.this.tls
    error_message = "the database must be global, and encrypted on the way"
  }
  assert {
    condition     = !upstash_redis_database.this.eviction
    error_message = "nothing may be evicted"
  }
  assert {
    condition     = output.url == "https://bright-1.upstash.io" && nonsensitive(output.token) == "writes" && nonsensitive(output.read_only_token) == "reads"
    error_message = "nodes must write, and the Worker only read"
  }
}

run "refuses_the_primary_region_as_a_read_region" {
  command = plan
  variables {
    read_regions = ["us-east-1"]
  }
  expect_failures = [var.read_regions]
}
