# Copy to terraform.tfvars and fill in. None of this is secret; credentials come from the environment (versions.tf).
google_project        = "my-project"
cloudflare_account_id = "0123456789abcdef0123456789abcdef"
cloudflare_zone       = { id = "0123456789abcdef0123456789abcdef", name = "example.com" }
hostname              = "voice.example.com"

relay_package = {
  url    = "gs://my-packages/firsthop-relay-0.1.0-linux-x64.tar.gz"
  sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
}
transceiver_package = {
  url    = "gs://my-packages/firsthop-transceiver-0.1.0-linux-x64.tar.gz"
  sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
}
cloudflared = {
  url    = "gs://my-packages/cloudflared-linux-amd64"
  sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
}
