output "url" {
  description = "UPSTASH_REDIS_REST_URL."
  value       = "https://${upstash_redis_database.this.endpoint}"
}

output "token" {
  description = "UPSTASH_REDIS_REST_TOKEN of nodes, which write."
  value       = upstash_redis_database.this.rest_token
  sensitive   = true
}

output "read_only_token" {
  description = "UPSTASH_REDIS_REST_TOKEN of the Worker, which only reads."
  value       = upstash_redis_database.this.read_only_rest_token
  sensitive   = true
}
