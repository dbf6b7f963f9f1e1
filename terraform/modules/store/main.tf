# The store: docs/store.md. Every node reads the whole registry every 5 s, so it is read near each of them.

resource "upstash_redis_database" "this" {
  database_name  = var.name
  region         = "global"
  primary_region = var.primary_region
  read_regions   = var.read_regions
  tls            = true
  # Nothing in the store may give way to something else: a record that is missing is a node that gets no calls.
  eviction   = false
  auto_scale = var.auto_scale
}
