# What servers-by-terraform.sh expects: a variable and an output called `servers`. The resource is yours.
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}

variable "servers" {
  type = map(object({
    flavor   = string
    zone     = optional(string)
    image    = string
    metadata = map(string)
  }))
}

resource "openstack_compute_instance_v2" "server" {
  for_each          = var.servers
  name              = each.key
  flavor_name       = each.value.flavor
  image_name        = each.value.image
  availability_zone = each.value.zone
  metadata          = each.value.metadata
  user_data         = file("${path.module}/user-data/${each.key}")

  lifecycle {
    # A mark of Tidegate's is no reason to make a server anew, and neither is a newer join script.
    ignore_changes = [user_data, metadata]
  }
}

output "servers" {
  value = { for name, server in openstack_compute_instance_v2.server : name => server.id }
}
