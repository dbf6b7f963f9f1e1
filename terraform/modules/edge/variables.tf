variable "name" {
  description = "Names the Worker."
  type        = string
}

variable "account_id" {
  description = "The Cloudflare account."
  type        = string
}

variable "zone" {
  description = "The zone: of the API's name, and of the control endpoints' names, which begin with control_prefix."
  type = object({
    id             = string
    name           = string
    control_prefix = string
  })

  validation {
    condition     = can(regex("^[a-z0-9-]{1,20}-$", var.zone.control_prefix))
    error_message = "zone.control_prefix must be up to 20 lower-case letters, digits and dashes, and end with a dash."
  }
}

variable "hostname" {
  description = "Where the API and the page are."
  type        = string

  validation {
    condition     = var.hostname == var.zone.name || endswith(var.hostname, ".${var.zone.name}")
    error_message = "hostname must be in the zone."
  }
  validation {
    condition     = !startswith(var.hostname, var.zone.control_prefix)
    error_message = "hostname must not look like a control endpoint's."
  }
}

variable "repository" {
  description = "The folder with wrangler.toml, in which npm ci has run."
  type        = string
}

variable "requests_per_ten_seconds" {
  description = "What one address may ask of the API at one of Cloudflare's places, before it is blocked for ten seconds."
  type        = number
  default     = 50

  validation {
    condition     = var.requests_per_ten_seconds >= 3
    error_message = "requests_per_ten_seconds must be at least 3: a call takes a key, an offer and a hang-up."
  }
}

variable "secret_environment" {
  description = "Of docs/api.md: the Worker's variables."
  type        = map(string)
  sensitive   = true

  validation {
    condition = alltrue([
      for name in ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "FIRSTHOP_ROUTE_KEYS", "FIRSTHOP_CONTROL_KEY", "FIRSTHOP_SECRET_KEYS"] :
      contains(keys(var.secret_environment), name)
    ])
    error_message = "secret_environment must have every variable that docs/api.md calls required."
  }
}
