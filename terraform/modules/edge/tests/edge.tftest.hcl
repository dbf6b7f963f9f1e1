mock_provider "cloudflare" {}

variables {
  name            = "firsthop"
  account_id      = "account"
  zone            = { id = "zone", name = "example.com", control_prefix = "firsthop-control-" }
  hostname        = "voice.example.com"
  bundle          = "../../../dist/worker"
  assets          = "../../../workers/public"
  wrangler_config = "../../../wrangler.toml"
  secret_environment = {
    UPSTASH_REDIS_REST_URL   = "https://store.example"
    UPSTASH_REDIS_REST_TOKEN = "token"
    FIRSTHOP_ROUTE_KEYS      = "0:00112233445566778899aabbccddeeff"
    FIRSTHOP_CONTROL_KEY     = "00"
    FIRSTHOP_SECRET_KEYS     = "1:00"
  }
}

run "deploys_the_worker_as_wrangler_runs_it" {
  assert {
    condition     = can(regex("^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", cloudflare_workers_script.this.compatibility_date)) && cloudflare_workers_script.this.compatibility_flags == toset(["nodejs_compat"])
    error_message = "the runtime's settings must be those of wrangler.toml"
  }
  assert {
    condition     = contains(cloudflare_workers_script.this.assets.config.run_worker_first, "/v1/*")
    error_message = "the API must come before the page"
  }
  assert {
    condition     = [for binding in cloudflare_workers_script.this.bindings : binding.name] == ["FIRSTHOP_CONTROL_KEY", "FIRSTHOP_ROUTE_KEYS", "FIRSTHOP_SECRET_KEYS", "UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_REST_URL"]
    error_message = "every variable must be bound"
  }
  assert {
    condition     = alltrue([for binding in cloudflare_workers_script.this.bindings : binding.type == "secret_text"])
    error_message = "every variable must be a secret"
  }
  assert {
    condition     = cloudflare_workers_custom_domain.this.hostname == "voice.example.com" && !cloudflare_workers_script_subdomain.this.enabled
    error_message = "the API must have one name"
  }
}

run "lets_only_workers_reach_control_endpoints" {
  assert {
    condition     = cloudflare_ruleset.firewall.rules[0].expression == "starts_with(http.host, \"firsthop-control-\") and cf.worker.upstream_zone ne \"example.com\"" && cloudflare_ruleset.firewall.rules[0].action == "block"
    error_message = "whoever is not a Worker of the zone must be blocked at control endpoints"
  }
}

run "limits_the_rate_of_each_address" {
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
