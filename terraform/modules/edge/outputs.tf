output "url" {
  description = "Where the API and the page are."
  value       = "https://${cloudflare_workers_custom_domain.this.hostname}"
}
