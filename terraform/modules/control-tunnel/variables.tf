variable "account_id" {
  description = "The Cloudflare account."
  type        = string
}

variable "zone" {
  description = "The zone that names control endpoints, and what their names begin with."
  type = object({
    id             = string
    name           = string
    control_prefix = string
  })
}

variable "node" {
  description = "The transceiver's id."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]{1,40}$", var.node))
    error_message = "node must be 1 to 40 lower-case letters, digits and dashes."
  }
}

variable "control_port" {
  description = "Where the transceiver's control endpoint listens on loopback."
  type        = number
}
