# lvsd in an image that holds nothing but its binary.
#
# It manages the host's network, so it runs in the host's network namespace, with
#   NET_ADMIN  addresses, IPVS
#   NET_RAW    adverts, gratuitous ARP
#   SYS_NICE   real-time priority of the election
# and no other capability. SYS_MODULE is not among them: load ip_vs on the host. /proc/sys is
# read-only in a container: set the kernel parameters of docs/configuration.md on the host.
# docs/running.md has the command.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY internal internal
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /lvsd ./cmd/lvsd

FROM scratch
COPY --from=build /lvsd /lvsd
ENTRYPOINT ["/lvsd"]
CMD ["run", "-c", "/etc/lvsd/lvsd.hcl"]
