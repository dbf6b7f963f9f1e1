output "control_url" {
  description = "FIRSTHOP_CONTROL_URL."
  value       = "https://${local.hostname}"
}

output "token" {
  description = "What cloudflared presents at the transceiver."
  value       = data.cloudflare_zero_trust_tunnel_cloudflared_token.this.token
  sensitive   = true
}
