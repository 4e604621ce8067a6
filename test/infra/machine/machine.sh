#!/bin/bash
# A machine: systemd as the first process of its own namespaces, on a copy-on-write view of this file system, with loopback as
# its only network. `machine.sh FOLDER` runs until it is killed. FOLDER/ready appears before systemd starts.
set -euo pipefail
folder=$1
if [ "${2:-}" != inside ]; then
  for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ -w "$hierarchy/cgroup.procs" ] || continue
    mkdir -p "$hierarchy/$(basename "$folder")"
    echo $$ > "$hierarchy/$(basename "$folder")/cgroup.procs"
  done
  exec unshare --pid --fork --mount --net --uts --ipc --kill-child "$0" "$folder" inside
fi
mount --make-rprivate /
ip link set lo up
# The address of the instance metadata.
ip address add 169.254.169.254/32 dev lo
mount -t tmpfs machine "$folder/disk"
mkdir "$folder/disk/upper" "$folder/disk/work" "$folder/disk/root"
root="$folder/disk/root"
mount -t overlay machine -o "lowerdir=/,upperdir=$folder/disk/upper,workdir=$folder/disk/work" "$root"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
mount -t tmpfs machine "$root/run"
mkdir -p "$root/machine"
mount --bind "$folder/shared" "$root/machine"
touch "$root/usr/bin/node-24"
mount --bind "$NODE" "$root/usr/bin/node-24"
# No services of the underlying machine are started.
mkdir -p "$root/run/systemd/system"
printf '[Unit]\nDescription=A machine under test\nWants=timers.target\n' > "$root/run/systemd/system/machine.target"
touch "$folder/ready"
cd "$root"
mkdir -p old
pivot_root . old
umount --lazy old
exec env -i container=straightway PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=machine.target --log-target=null --show-status=no
