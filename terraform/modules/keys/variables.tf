variable "route_key_ids" {
  description = "Ids of the keys that seal routes, the one that mints first."
  type        = list(number)
  default     = [0]

  validation {
    condition     = length(var.route_key_ids) > 0 && alltrue([for id in var.route_key_ids : id >= 0 && id <= 14 && floor(id) == id])
    error_message = "route_key_ids must list at least one whole number from 0 to 14."
  }
  validation {
    condition     = length(distinct(var.route_key_ids)) == length(var.route_key_ids)
    error_message = "route_key_ids must not repeat an id."
  }
}

variable "secret_key_ids" {
  description = "Ids of the keys of client secrets, the one that signs first."
  type        = list(number)
  default     = [1]

  validation {
    condition     = length(var.secret_key_ids) > 0 && alltrue([for id in var.secret_key_ids : id >= 0 && id <= 255 && floor(id) == id])
    error_message = "secret_key_ids must list at least one whole number from 0 to 255."
  }
  validation {
    condition     = length(distinct(var.secret_key_ids)) == length(var.secret_key_ids)
    error_message = "secret_key_ids must not repeat an id."
  }
}

variable "control_key_generation" {
  description = "Another number makes another control key."
  type        = number
  default     = 1
}

variable "route_keys" {
  description = "Route keys that are not to be generated: 32 hexadecimal digits by id."
  type        = map(string)
  default     = {}
  sensitive   = true

  validation {
    condition     = alltrue([for key in values(var.route_keys) : can(regex("^[0-9a-f]{32}$", key))])
    error_message = "route_keys must have 32 hexadecimal digits each."
  }
}

variable "secret_keys" {
  description = "Keys of client secrets that are not to be generated: 64 hexadecimal digits by id."
  type        = map(string)
  default     = {}
  sensitive   = true

  validation {
    condition     = alltrue([for key in values(var.secret_keys) : can(regex("^[0-9a-f]{64}$", key))])
    error_message = "secret_keys must have 64 hexadecimal digits each."
  }
}

variable "control_key" {
  description = "The control key, if it is not to be generated: 64 hexadecimal digits."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.control_key == null || can(regex("^[0-9a-f]{64}$", var.control_key))
    error_message = "control_key must have 64 hexadecimal digits."
  }
}
