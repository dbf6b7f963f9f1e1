# The Worker, its name, its secrets, and who may ask how often. docs/api.md, docs/control.md.

# Wrangler deploys the Worker, because wrangler.toml says what it is made of: its bundle, its page, its bindings. Secrets
# reach Wrangler by its standard input; Terraform prints nothing of a command whose environment has secrets.
resource "terraform_data" "worker" {
  input            = { name = var.name, url = "https://${var.hostname}" }
  triggers_replace = [local.source_hash, sha256(nonsensitive(local.secrets))]

  provisioner "local-exec" {
    working_dir = var.repository
    command     = "printenv WORKER_SECRETS | npx wrangler deploy --env= --name \"$WORKER_NAME\" --secrets-file /dev/stdin"
    environment = {
      CLOUDFLARE_ACCOUNT_ID = var.account_id
      WORKER_NAME           = var.name
      WORKER_SECRETS        = local.secrets
      WRANGLER_SEND_METRICS = "false"
    }
  }
}

resource "cloudflare_workers_custom_domain" "this" {
  account_id = var.account_id
  zone_id    = var.zone.id
  hostname   = var.hostname
  service    = terraform_data.worker.output.name
}

# workers.dev would be a second door, past the rules below.
resource "cloudflare_workers_script_subdomain" "this" {
  account_id       = var.account_id
  script_name      = terraform_data.worker.output.name
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

# Before the Worker's own limits (docs/api.md), which cost a run of it.
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
  secrets = jsonencode(var.secret_environment)
  # A Worker is deployed again when what it is made of has changed.
  sources     = sort(flatten([for pattern in ["wrangler.toml", "package-lock.json", "shared/**", "workers/**"] : tolist(fileset(var.repository, pattern))]))
  source_hash = sha256(join("", [for path in local.sources : filesha256("${var.repository}/${path}")]))
}
