variable "name" {
  description = "Names the network and everything in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.name))
    error_message = "name must be 1 to 20 lower-case letters, digits and dashes, and begin with a letter."
  }
}

variable "subnets" {
  description = "The regions, each with the range of its private addresses."
  type        = map(string)

  validation {
    condition     = length(var.subnets) > 0 && alltrue([for range in values(var.subnets) : can(cidrhost(range, 4))])
    error_message = "subnets must give each region a range such as 10.10.0.0/20."
  }
  validation {
    condition     = length(distinct(values(var.subnets))) == length(var.subnets)
    error_message = "subnets must give each region a range of its own."
  }
}

variable "mtu" {
  description = "The largest IP packet between nodes."
  type        = number
  default     = 8896

  validation {
    condition     = var.mtu >= 1500 && var.mtu <= 8896
    error_message = "mtu must be 1500 to 8896."
  }
}

variable "allow_shell" {
  description = "Whether operators reach the machines by SSH through Identity-Aware Proxy."
  type        = bool
  default     = false
}
