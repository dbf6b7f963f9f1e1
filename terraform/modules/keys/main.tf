# The keys of a deployment (docs/routing-ufrag.md, docs/control.md, docs/client-secrets.md), each generated unless it is
# passed in. A key exists for as long as its id is listed, so rotating is a matter of editing two lists.

resource "random_bytes" "route" {
  for_each = toset([for id in var.route_key_ids : tostring(id)])
  length   = 16
}

resource "random_bytes" "control" {
  length = 32
  keepers = {
    generation = tostring(var.control_key_generation)
  }
}

resource "random_bytes" "secret" {
  for_each = toset([for id in var.secret_key_ids : tostring(id)])
  length   = 32
}

locals {
  route_keys = join(",", [
    for id in var.route_key_ids : "${id}:${lookup(var.route_keys, tostring(id), random_bytes.route[tostring(id)].hex)}"
  ])
  secret_keys = join(",", [
    for id in var.secret_key_ids : "${id}:${lookup(var.secret_keys, tostring(id), random_bytes.secret[tostring(id)].hex)}"
  ])
  control_key = coalesce(var.control_key, random_bytes.control.hex)
}
