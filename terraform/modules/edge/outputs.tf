output "url" {
  description = "Where the API and the page are."
  value       = terraform_data.worker.input.url
}
