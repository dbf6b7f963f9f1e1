output "route_keys" {
  description = "FIRSTHOP_ROUTE_KEYS: of relays, transceivers and the Worker."
  value       = local.route_keys
  sensitive   = true
}

output "control_key" {
  description = "FIRSTHOP_CONTROL_KEY: of transceivers and the Worker."
  value       = local.control_key
  sensitive   = true
}

output "secret_keys" {
  description = "FIRSTHOP_SECRET_KEYS: of the Worker."
  value       = local.secret_keys
  sensitive   = true
}
