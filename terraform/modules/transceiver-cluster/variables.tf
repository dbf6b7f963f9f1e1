variable "name" {
  description = "Names the deployment; every resource begins with it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,9}$", var.name))
    error_message = "name must be 1 to 10 lower-case letters, digits and dashes, and begin with a letter."
  }
}

variable "region" {
  description = "The cloud's region; also FIRSTHOP_REGION."
  type        = string
}

variable "zones" {
  description = "Zones of the region; seats take them in turn."
  type        = list(string)

  validation {
    condition     = length(var.zones) > 0 && alltrue([for zone in var.zones : startswith(zone, "${var.region}-")])
    error_message = "zones must be zones of the region."
  }
}

variable "coordinates" {
  description = "Where the region is: steering measures distances to it."
  type = object({
    latitude  = number
    longitude = number
  })

  validation {
    condition     = abs(var.coordinates.latitude) <= 90 && abs(var.coordinates.longitude) <= 180
    error_message = "coordinates must be a latitude of -90 to 90 and a longitude of -180 to 180."
  }
}

variable "network" {
  description = "The region's part of the output of the module network."
  type = object({
    network               = string
    subnet                = string
    relay_tag             = string
    transceiver_tag       = string
    relay_link_port       = number
    transceiver_link_port = number
  })
}

variable "cluster" {
  description = "The cluster's number in routes: FIRSTHOP_CLUSTER. No two clusters share one."
  type        = number

  validation {
    condition     = var.cluster >= 0 && var.cluster <= 4095 && floor(var.cluster) == var.cluster
    error_message = "cluster must be a whole number from 0 to 4095."
  }
}

variable "transceivers" {
  description = "How many transceivers."
  type        = number
  default     = 2

  validation {
    condition     = var.transceivers >= 1 && var.transceivers <= 1000 && floor(var.transceivers) == var.transceivers
    error_message = "transceivers must be a whole number from 1 to 1000."
  }
}

variable "capacity" {
  description = "Sessions that a transceiver takes at once: FIRSTHOP_CAPACITY."
  type        = number
  default     = 100

  validation {
    condition     = var.capacity >= 1 && var.capacity <= 20000
    error_message = "capacity must be 1 to 20000."
  }
}

variable "machine_type" {
  description = "The machines."
  type        = string
  default     = "c3-highcpu-4"
}

variable "image" {
  description = "The system: Debian 12 or newer, with cloud-init."
  type        = string
  default     = "projects/debian-cloud/global/images/family/debian-12"
}

variable "drain_seconds" {
  description = "How long calls may go on after an operator has told a transceiver to stop; its unit waits two hours."
  type        = number
  default     = 3600

  validation {
    condition     = var.drain_seconds >= 0 && var.drain_seconds < 7200
    error_message = "drain_seconds must be 0 to 7199."
  }
}

variable "package" {
  description = "The transceiver's package, as npm run bundle made it: an object of Cloud Storage, and its SHA-256."
  type = object({
    url    = string
    sha256 = string
  })

  validation {
    condition     = can(regex("^gs://[^/]+/.+", var.package.url)) && can(regex("^[0-9a-f]{64}$", var.package.sha256))
    error_message = "package must have an address such as gs://bucket/transceiver.tar.gz and 64 hexadecimal digits."
  }
}

variable "cloudflared" {
  description = "The program cloudflared for Linux: an object of Cloud Storage in the package's bucket, and its SHA-256."
  type = object({
    url    = string
    sha256 = string
  })

  validation {
    condition     = can(regex("^gs://[^/]+/.+", var.cloudflared.url)) && can(regex("^[0-9a-f]{64}$", var.cloudflared.sha256))
    error_message = "cloudflared must have an address such as gs://bucket/cloudflared and 64 hexadecimal digits."
  }
  validation {
    condition     = split("/", var.cloudflared.url)[2] == split("/", var.package.url)[2]
    error_message = "cloudflared must be in the package's bucket, which transceivers may read."
  }
}

variable "control" {
  description = "Where tunnels to control endpoints begin: the Cloudflare account, the zone, and what their names begin with."
  type = object({
    account_id = string
    zone = object({
      id             = string
      name           = string
      control_prefix = string
    })
  })
}

variable "secret_environment" {
  description = "Of docs/operate.md: the store's URL and token, FIRSTHOP_ROUTE_KEYS, FIRSTHOP_CONTROL_KEY."
  type        = map(string)
  sensitive   = true

  validation {
    condition = alltrue([
      for name in ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "FIRSTHOP_ROUTE_KEYS", "FIRSTHOP_CONTROL_KEY"] :
      contains(keys(var.secret_environment), name)
    ])
    error_message = "secret_environment must have UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, FIRSTHOP_ROUTE_KEYS and FIRSTHOP_CONTROL_KEY."
  }
}
