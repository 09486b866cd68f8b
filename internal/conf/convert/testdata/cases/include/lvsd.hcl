# main
# first file
virtual_server "10.0.0.3" "80" {
  protocol = "TCP"
}

# end of the first file
# behind the includes
virtual_server "10.0.0.1" "80" {
  protocol        = "TCP"
  delay_loop      = "60s"
  connect_timeout = "5s"

  real_server "10.0.1.1" "80" {
    TCP_CHECK {}
  }

  weight = 3
}
