# The way from the Worker to one transceiver's control endpoint: a Cloudflare Tunnel, which the transceiver opens from
# inside. So the endpoint listens on loopback, no port is open for it anywhere, and it has a name with a certificate,
# which Workers need (they fetch no bare addresses). Who may use the name, the edge's firewall says; who may place a
# call, the signature of docs/control.md.

resource "random_bytes" "secret" {
  length = 32
}

resource "cloudflare_zero_trust_tunnel_cloudflared" "this" {
  account_id    = var.account_id
  name          = local.label
  config_src    = "cloudflare"
  tunnel_secret = random_bytes.secret.base64
}

resource "cloudflare_zero_trust_tunnel_cloudflared_config" "this" {
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.this.id

  config = {
    ingress = [
      {
        hostname = local.hostname
        service  = "http://127.0.0.1:${var.control_port}"
      },
      { service = "http_status:404" },
    ]
  }
}

resource "cloudflare_dns_record" "this" {
  zone_id = var.zone.id
  name    = local.hostname
  type    = "CNAME"
  content = "${cloudflare_zero_trust_tunnel_cloudflared.this.id}.cfargotunnel.com"
  proxied = true
  # Automatic, as it has to be when proxied.
  ttl = 1
}

data "cloudflare_zero_trust_tunnel_cloudflared_token" "this" {
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.this.id
}

locals {
  # One label below the zone: Cloudflare's universal certificates cover no deeper name.
  label    = "${var.zone.control_prefix}${var.node}"
  hostname = "${local.label}.${var.zone.name}"
}
