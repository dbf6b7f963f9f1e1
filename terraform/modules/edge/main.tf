# The Worker, its name, its secrets, and who may ask how often. docs/api.md, docs/control.md.
#
# Terraform deploys the bundle that Wrangler has made (npm run bundle), with the settings of wrangler.toml, so that one
# `terraform apply` brings up everything; Wrangler itself serves developers and wrangler.toml's other environments.

resource "cloudflare_workers_script" "this" {
  account_id     = var.account_id
  script_name    = var.name
  content_file   = "${var.bundle}/index.js"
  content_sha256 = filesha256("${var.bundle}/index.js")
  main_module    = "index.js"

  compatibility_date  = local.compatibility_date
  compatibility_flags = local.compatibility_flags

  assets = {
    directory = var.assets
    config = {
      run_worker_first = local.run_worker_first
    }
  }

  bindings = [
    for name in sort(nonsensitive(keys(var.secret_environment))) :
    { name = name, type = "secret_text", text = var.secret_environment[name] }
  ]

  observability = { enabled = true }
}

resource "cloudflare_workers_custom_domain" "this" {
  account_id = var.account_id
  zone_id    = var.zone.id
  hostname   = var.hostname
  service    = cloudflare_workers_script.this.script_name
}

# workers.dev would be a second door, past the rules below.
resource "cloudflare_workers_script_subdomain" "this" {
  account_id       = var.account_id
  script_name      = cloudflare_workers_script.this.script_name
  enabled          = false
  previews_enabled = false
}

# A zone has one ruleset of each phase: import it when there is one already.
resource "cloudflare_ruleset" "firewall" {
  zone_id = var.zone.id
  name    = "${var.name}: control endpoints"
  kind    = "zone"
  phase   = "http_request_firewall_custom"

  rules = [{
    ref         = "control_endpoints"
    description = "Control endpoints are for this zone's Workers only"
    expression  = "starts_with(http.host, \"${var.zone.control_prefix}\") and cf.worker.upstream_zone ne \"${var.zone.name}\""
    action      = "block"
  }]
}

resource "cloudflare_ruleset" "rate_limits" {
  zone_id = var.zone.id
  name    = "${var.name}: rate limits"
  kind    = "zone"
  phase   = "http_ratelimit"

  # Every plan has one rule with this period. Calls of one address: a company behind one NAT shares it.
  rules = [{
    ref         = "api"
    description = "Keys, calls and hang-ups"
    expression  = "http.host eq \"${var.hostname}\" and http.request.method eq \"POST\" and starts_with(http.request.uri.path, \"/v1/\")"
    action      = "block"
    ratelimit = {
      characteristics     = ["cf.colo.id", "ip.src"]
      period              = 10
      requests_per_period = var.requests_per_ten_seconds
      mitigation_timeout  = 10
    }
  }]
}

locals {
  # One source of truth: what Wrangler runs locally is what runs here.
  wrangler            = file(var.wrangler_config)
  compatibility_date  = regex("(?m)^compatibility_date = \"([^\"]+)\"$", local.wrangler)[0]
  compatibility_flags = toset(jsondecode(regex("(?m)^compatibility_flags = (\\[.*\\])$", local.wrangler)[0]))
  run_worker_first    = jsondecode(regex("(?m)^run_worker_first = (\\[.*\\])$", local.wrangler)[0])
}
