mock_provider "cloudflare" {}

variables {
  name       = "firsthop"
  account_id = "account"
  zone       = { id = "zone", name = "example.com", control_prefix = "firsthop-control-" }
  hostname   = "voice.example.com"
  repository = "../../.."
  secret_environment = {
    UPSTASH_REDIS_REST_URL   = "https://store.example"
    UPSTASH_REDIS_REST_TOKEN = "token"
    FIRSTHOP_ROUTE_KEYS      = "0:00112233445566778899aabbccddeeff"
    FIRSTHOP_CONTROL_KEY     = "00"
    FIRSTHOP_SECRET_KEYS     = "1:00"
  }
}

run "has_one_name_and_no_other_door" {
  command = plan
  assert {
    condition     = cloudflare_workers_custom_domain.this.hostname == "voice.example.com" && output.url == "https://voice.example.com"
    error_message = "the API must have the name asked for"
  }
  assert {
    condition     = !cloudflare_workers_script_subdomain.this.enabled && !cloudflare_workers_script_subdomain.this.previews_enabled
    error_message = "the Worker must not be reachable past the zone's rules"
  }
}

run "deploys_again_when_the_worker_or_a_secret_has_changed" {
  command = plan
  assert {
    condition     = contains(local.sources, "wrangler.toml") && contains(local.sources, "workers/public/index.html")
    error_message = "what the Worker is made of must count"
  }
  assert {
    condition     = terraform_data.worker.triggers_replace[1] == sha256(nonsensitive(jsonencode(var.secret_environment)))
    error_message = "secrets must count"
  }
}

run "lets_only_workers_reach_control_endpoints" {
  command = plan
  assert {
    condition     = cloudflare_ruleset.firewall.rules[0].expression == "starts_with(http.host, \"firsthop-control-\") and cf.worker.upstream_zone ne \"example.com\"" && cloudflare_ruleset.firewall.rules[0].action == "block"
    error_message = "whoever is not a Worker of the zone must be blocked at control endpoints"
  }
}

run "limits_the_rate_of_each_address" {
  command = plan
  assert {
    condition     = cloudflare_ruleset.rate_limits.rules[0].ratelimit.period == 10 && contains(cloudflare_ruleset.rate_limits.rules[0].ratelimit.characteristics, "ip.src")
    error_message = "the API must be limited by address"
  }
}

run "refuses_names_outside_the_zone" {
  command = plan
  variables {
    hostname = "voice.example.org"
  }
  expect_failures = [var.hostname]
}

run "refuses_a_worker_without_its_keys" {
  command = plan
  variables {
    secret_environment = { FIRSTHOP_CONTROL_KEY = "00" }
  }
  expect_failures = [var.secret_environment]
}
