#!/bin/sh
# from the HOWTO
echo 1 > /proc/sys/net/ipv4/ip_forward
/sbin/ipvsadm -C
# telnet and web
/sbin/ipvsadm --add-service --tcp-service=192.168.1.110:23 --scheduler wlc
/sbin/ipvsadm -a -t 192.168.1.110:23 -r 192.168.1.2 -m
ipvsadm -At 192.168.1.110:0 -s rr -p   # every port
ipvsadm -at 192.168.1.110:0 -r 192.168.1.3 -gw2
ipvsadm -L -n
iptables -t nat -A POSTROUTING -s 10.1.1.0/24 -j MASQUERADE
iptables -A INPUT -j ACCEPT
fping web1
