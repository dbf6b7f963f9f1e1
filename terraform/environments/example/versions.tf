terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.14"
    }
    upstash = {
      source  = "upstash/upstash"
      version = ">= 1.5, < 3.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # The state holds every key. Give it a backend that encrypts and keeps versions, such as:
  # backend "gcs" {
  #   bucket = "my-terraform-state"
  #   prefix = "firsthop"
  # }
}

# Credentials come from the environment: GOOGLE_APPLICATION_CREDENTIALS, CLOUDFLARE_API_TOKEN, UPSTASH_EMAIL and
# UPSTASH_API_KEY.
provider "google" {
  project = var.google_project
}

provider "cloudflare" {}

provider "upstash" {}
