variable "name" {
  description = "Names the database."
  type        = string
}

variable "primary_region" {
  description = "Where it is written, as Upstash names its regions."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}-[a-z]+-[0-9]$", var.primary_region))
    error_message = "primary_region must be one of Upstash's regions, such as us-east-1."
  }
}

variable "read_regions" {
  description = "Where else it is read. Each multiplies the commands that write (docs/store.md)."
  type        = set(string)
  default     = []

  validation {
    condition     = !contains(var.read_regions, var.primary_region)
    error_message = "read_regions must not have the primary region."
  }
}

variable "auto_scale" {
  description = "Whether Upstash moves to a larger plan by itself when a quota is reached."
  type        = bool
  default     = true
}
