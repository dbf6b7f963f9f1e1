output "url" {
  description = "Where the API and the page are."
  value       = module.edge.url
}

# terraform output -json fleet > fleet.json; npm run doctor -- --url <url> --fleet fleet.json
output "fleet" {
  description = "What the registry will list once the nodes are up, which scripts/doctor compares with what it finds."
  value = {
    relays       = [for relays in module.relays : relays.relay]
    transceivers = merge([for cluster in module.transceivers : cluster.transceivers]...)
  }
}
