mock_provider "random" {
  mock_resource "random_bytes" {
    defaults = { hex = "00112233445566778899aabbccddeeff" }
  }
}

run "generates_every_key_that_is_listed" {
  variables {
    route_key_ids = [3, 0]
  }
  assert {
    condition     = nonsensitive(output.route_keys) == "3:00112233445566778899aabbccddeeff,0:00112233445566778899aabbccddeeff"
    error_message = "the first id must mint"
  }
  assert {
    condition     = random_bytes.route["0"].length == 16 && random_bytes.control.length == 32 && random_bytes.secret["1"].length == 32
    error_message = "keys must have their algorithms' lengths"
  }
  assert {
    condition     = issensitive(output.route_keys) && issensitive(output.control_key) && issensitive(output.secret_keys)
    error_message = "no key may be printed"
  }
}

run "takes_keys_that_are_passed_in" {
  variables {
    control_key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    route_keys  = { "0" = "ffeeddccbbaa99887766554433221100" }
  }
  assert {
    condition     = nonsensitive(output.control_key) == var.control_key && nonsensitive(output.route_keys) == "0:ffeeddccbbaa99887766554433221100"
    error_message = "a key that is passed in must be used"
  }
}

run "refuses_ids_that_no_route_can_name" {
  command = plan
  variables {
    route_key_ids = [15]
    control_key   = "short"
  }
  expect_failures = [var.route_key_ids, var.control_key]
}
