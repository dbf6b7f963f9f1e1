# What a transceiver may know, fetched when it starts: the shared part of its environment, and its own tunnel's token.

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

resource "google_secret_manager_secret" "tunnel" {
  for_each  = local.seats
  secret_id = "${each.key}-tunnel"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "tunnel" {
  for_each    = local.seats
  secret      = google_secret_manager_secret.tunnel[each.key].id
  secret_data = module.tunnel[each.key].token
}

resource "google_service_account" "transceiver" {
  # At most 30 characters, of which some regions would take 23.
  account_id   = "${var.name}-trx-${substr(sha1(var.region), 0, 8)}"
  display_name = "Transceivers of ${var.region}"
}

resource "google_secret_manager_secret_iam_member" "environment" {
  secret_id = google_secret_manager_secret.environment.id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.transceiver.email}"
}

resource "google_secret_manager_secret_iam_member" "tunnel" {
  for_each  = local.seats
  secret_id = google_secret_manager_secret.tunnel[each.key].id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.transceiver.email}"
}

resource "google_storage_bucket_iam_member" "package" {
  bucket = split("/", trimprefix(var.package.url, "gs://"))[0]
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.transceiver.email}"
}
