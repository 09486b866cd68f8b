# Servers are judged by way of the service: each has a mark of its own, with a service for it that stays
# when the server is out.
vrrp_instance "web" {
  interface         = "eth0"
  virtual_router_id = 51
  virtual_ipaddress = ["192.0.2.1/24"]
}

virtual_server "192.0.2.1" "80" {
  lb_kind = "DR"
  real_server "192.0.2.31" "80" {
    weight = 5
    TCP_CHECK { through_service = true }
  }
  real_server "192.0.2.32" "80" {
    TCP_CHECK { through_service = true }
    HTTP_GET {
      url "/" {}
      through_service = true
    }
  }
  real_server "192.0.2.33" "80" {
    TCP_CHECK {}
  }
}
