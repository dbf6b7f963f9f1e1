# Three regions on Google Cloud behind one Cloudflare zone, with an Upstash store. docs/operate.md goes through it.

module "network" {
  source = "../../modules/network"

  name        = var.name
  subnets     = { for region, place in var.regions : region => place.subnet }
  allow_shell = var.allow_shell
}

module "keys" {
  source = "../../modules/keys"

  route_key_ids          = var.route_key_ids
  secret_key_ids         = var.secret_key_ids
  control_key_generation = var.control_key_generation
}

module "store" {
  source = "../../modules/store"

  name           = var.name
  primary_region = var.store.primary_region
  read_regions   = var.store.read_regions
}

module "relays" {
  source   = "../../modules/relay-region"
  for_each = var.regions

  name               = var.name
  region             = each.key
  coordinates        = each.value.coordinates
  network            = module.network.network[each.key]
  min_relays         = each.value.relays.min
  max_relays         = each.value.relays.max
  package            = var.relay_package
  secret_environment = local.relay_secrets
}

module "transceivers" {
  source   = "../../modules/transceiver-cluster"
  for_each = var.regions

  name               = var.name
  region             = each.key
  zones              = each.value.zones
  coordinates        = each.value.coordinates
  network            = module.network.network[each.key]
  cluster            = each.value.cluster
  transceivers       = each.value.transceivers
  capacity           = var.transceiver_capacity
  package            = var.transceiver_package
  cloudflared        = var.cloudflared
  control            = { account_id = var.cloudflare_account_id, zone = local.zone }
  secret_environment = merge(local.relay_secrets, { FIRSTHOP_CONTROL_KEY = module.keys.control_key })
}

module "edge" {
  source = "../../modules/edge"

  name       = var.name
  account_id = var.cloudflare_account_id
  zone       = local.zone
  hostname   = var.hostname
  repository = "${path.module}/../../.."

  # Cloudflare binds no empty text.
  secret_environment = merge(var.api_keys == null ? {} : { FIRSTHOP_API_KEYS = var.api_keys }, {
    UPSTASH_REDIS_REST_URL   = module.store.url
    UPSTASH_REDIS_REST_TOKEN = module.store.read_only_token
    FIRSTHOP_ROUTE_KEYS      = module.keys.route_keys
    FIRSTHOP_CONTROL_KEY     = module.keys.control_key
    FIRSTHOP_SECRET_KEYS     = module.keys.secret_keys
    FIRSTHOP_OPEN_DEMO       = tostring(var.open_demo)
  })
}

locals {
  zone = {
    id             = var.cloudflare_zone.id
    name           = var.cloudflare_zone.name
    control_prefix = "${var.name}-control-"
  }
  relay_secrets = {
    UPSTASH_REDIS_REST_URL   = module.store.url
    UPSTASH_REDIS_REST_TOKEN = module.store.token
    FIRSTHOP_ROUTE_KEYS      = module.keys.route_keys
  }
}
