# What two CNI ADDs leave in the store, the second of them by a host that is gone.
put() { etcdctl --endpoints "$ETCD_ENDPOINTS" put "/calico/ipam/v2/$1" "$2" > /dev/null; }
export ETCDCTL_API=3
nulls=$(printf ',null%.0s' $(seq 62))
free=$(seq -s, 2 63)
put assignment/ipv4/block/10.77.119.0-26 '{"cidr":"10.77.119.0/26","affinity":"host:host1","allocations":[0,1'"$nulls"'],"unallocated":['"$free"'],"attributes":[{"handle_id":"network1.c1","secondary":{"node":"host1","timestamp":"2026-11-23 11:18:07 +0000 UTC"}},{"handle_id":"network1.c2","secondary":{"node":"host9"}}],"sequenceNumber":9,"sequenceNumberForAllocation":{"0":7,"1":8},"deleted":false}'
put handle/network1.c1 '{"block":{"10.77.119.0/26":1},"deleted":false}'
put handle/network1.c2 '{"block":{"10.77.119.0/26":1},"deleted":false}'
put host/host1/ipv4/block/10.77.119.0-26 '{"state":"confirmed","deleted":false}'
