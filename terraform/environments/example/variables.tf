variable "name" {
  description = "Names the deployment; every resource begins with it."
  type        = string
  default     = "firsthop"
}

variable "google_project" {
  description = "The Google Cloud project."
  type        = string
}

variable "cloudflare_account_id" {
  description = "The Cloudflare account."
  type        = string
}

variable "cloudflare_zone" {
  description = "The Cloudflare zone: its id and its name."
  type = object({
    id   = string
    name = string
  })
}

variable "hostname" {
  description = "Where the API and the page will be, in the zone."
  type        = string
}

variable "store" {
  description = "The store's regions, as Upstash names them: near the regions below."
  type = object({
    primary_region = string
    read_regions   = set(string)
  })
  default = {
    primary_region = "us-east-1"
    read_regions   = ["eu-central-1", "ap-northeast-1"]
  }
}

variable "regions" {
  description = "The regions: a place, a range of private addresses, a number in routes, and how many machines."
  type = map(object({
    coordinates  = object({ latitude = number, longitude = number })
    subnet       = string
    zones        = list(string)
    cluster      = number
    relays       = object({ min = number, max = number })
    transceivers = number
  }))
  default = {
    us-south1 = {
      coordinates  = { latitude = 32.8, longitude = -96.8 }
      subnet       = "10.10.0.0/20"
      zones        = ["us-south1-a", "us-south1-b"]
      cluster      = 1
      relays       = { min = 2, max = 10 }
      transceivers = 2
    }
    europe-west3 = {
      coordinates  = { latitude = 50.1, longitude = 8.7 }
      subnet       = "10.10.16.0/20"
      zones        = ["europe-west3-a", "europe-west3-b"]
      cluster      = 2
      relays       = { min = 2, max = 10 }
      transceivers = 2
    }
    asia-northeast1 = {
      coordinates  = { latitude = 35.7, longitude = 139.7 }
      subnet       = "10.10.32.0/20"
      zones        = ["asia-northeast1-a", "asia-northeast1-b"]
      cluster      = 3
      relays       = { min = 2, max = 10 }
      transceivers = 2
    }
  }

  validation {
    condition     = length(distinct([for place in values(var.regions) : place.cluster])) == length(var.regions)
    error_message = "regions must each have a cluster number of their own: it stands in routes."
  }
}

variable "transceiver_capacity" {
  description = "Sessions that a transceiver takes at once."
  type        = number
  default     = 100
}

variable "relay_package" {
  description = "The relay's package: an object of Cloud Storage, and its SHA-256."
  type = object({
    url    = string
    sha256 = string
  })
}

variable "transceiver_package" {
  description = "The transceiver's package: an object of Cloud Storage, and its SHA-256."
  type = object({
    url    = string
    sha256 = string
  })
}

variable "cloudflared" {
  description = "The program cloudflared for Linux: an object in the same bucket, and its SHA-256."
  type = object({
    url    = string
    sha256 = string
  })
}

variable "api_keys" {
  description = "FIRSTHOP_API_KEYS: the API keys' hashes and limits (docs/client-secrets.md)."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.api_keys != null || var.open_demo
    error_message = "api_keys is not set and open_demo is not true: nobody could place a call."
  }
}

variable "open_demo" {
  description = "Whether anybody may place calls."
  type        = bool
  default     = false
}

variable "route_key_ids" {
  description = "Ids of the keys that seal routes, the one that mints first (docs/operate.md tells how to rotate)."
  type        = list(number)
  default     = [0]
}

variable "secret_key_ids" {
  description = "Ids of the keys of client secrets, the one that signs first."
  type        = list(number)
  default     = [1]
}

variable "control_key_generation" {
  description = "Another number makes another control key."
  type        = number
  default     = 1
}

variable "allow_shell" {
  description = "Whether operators reach the machines by SSH through Identity-Aware Proxy."
  type        = bool
  default     = true
}
