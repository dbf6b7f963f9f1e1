# What a relay may know, as a file of its environment that only the region's relays can read. They fetch it when they
# start; it is in no template, no metadata and no output.

resource "google_secret_manager_secret" "environment" {
  secret_id = local.name

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "environment" {
  secret      = google_secret_manager_secret.environment.id
  secret_data = join("", [for name, value in var.secret_environment : "${name}=${value}\n"])
}

resource "google_service_account" "relay" {
  # At most 30 characters, of which some regions would take 23.
  account_id   = "${var.name}-relay-${substr(sha1(var.region), 0, 8)}"
  display_name = "Relays of ${var.region}"
}

resource "google_secret_manager_secret_iam_member" "environment" {
  secret_id = google_secret_manager_secret.environment.id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.relay.email}"
}

resource "google_storage_bucket_iam_member" "package" {
  bucket = split("/", trimprefix(var.package.url, "gs://"))[0]
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.relay.email}"
}
