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

variable "client_udp_port" {
  description = "The one UDP port that is open to the world."
  type        = number
  default     = 3478

  validation {
    condition     = var.client_udp_port > 0 && var.client_udp_port < 65536 && floor(var.client_udp_port) == var.client_udp_port
    error_message = "client_udp_port must be a port."
  }
}

variable "client_tcp_port" {
  description = "The one TCP port that is open to the world; 443 passes where others do not."
  type        = number
  default     = 443

  validation {
    condition     = var.client_tcp_port > 0 && var.client_tcp_port < 65536 && floor(var.client_tcp_port) == var.client_tcp_port
    error_message = "client_tcp_port must be a port."
  }
}

variable "machine_type" {
  description = "The machines: a relay takes a thread for each processor."
  type        = string
  default     = "c3-highcpu-4"
}

variable "image" {
  description = "The system: Debian 12 or newer, with cloud-init."
  type        = string
  default     = "projects/debian-cloud/global/images/family/debian-12"
}

variable "min_relays" {
  description = "Relays at least. With two, a relay that dies has a sibling."
  type        = number
  default     = 2

  validation {
    condition     = var.min_relays >= 1
    error_message = "min_relays must be at least 1."
  }
}

variable "max_relays" {
  description = "Relays at most."
  type        = number
  default     = 10

  validation {
    condition     = var.max_relays >= var.min_relays
    error_message = "max_relays must not be less than min_relays."
  }
}

variable "drain_seconds" {
  description = "How long a relay forwards after it has been told to stop. Google Cloud gives a machine 90 s at most."
  type        = number
  default     = 60

  validation {
    condition     = var.drain_seconds >= 0 && var.drain_seconds <= 90
    error_message = "drain_seconds must be 0 to 90."
  }
}

variable "package" {
  description = "The relay's package, as npm run bundle made it: an object of Cloud Storage, and its SHA-256."
  type = object({
    url    = string
    sha256 = string
  })

  validation {
    condition     = can(regex("^gs://[^/]+/.+", var.package.url)) && can(regex("^[0-9a-f]{64}$", var.package.sha256))
    error_message = "package must have an address such as gs://bucket/relay.tar.gz and 64 hexadecimal digits."
  }
}

variable "secret_environment" {
  description = "Of docs/operate.md: the store's URL and token, FIRSTHOP_ROUTE_KEYS."
  type        = map(string)
  sensitive   = true

  validation {
    condition = alltrue([
      for name in ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "FIRSTHOP_ROUTE_KEYS"] :
      contains(keys(var.secret_environment), name)
    ])
    error_message = "secret_environment must have UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN and FIRSTHOP_ROUTE_KEYS."
  }
  validation {
    condition     = !contains(keys(var.secret_environment), "FIRSTHOP_CONTROL_KEY")
    error_message = "secret_environment must not have FIRSTHOP_CONTROL_KEY: a relay places no calls."
  }
}
