output "transceivers" {
  description = "The cluster's transceivers as the registry knows them, by node id."
  value = {
    for id, seat in local.seats : id => {
      region      = var.region
      cluster     = var.cluster
      transceiver = seat * local.ids_of_a_seat
      control_url = module.tunnel[id].control_url
      capacity    = var.capacity
    }
  }
}

output "user_data" {
  description = "The cloud-init of each transceiver, by node id, which the checks read; it holds no secret."
  value       = local.user_data
}
