#!/bin/sh
# A machine of its own beside the one that it runs on: namespaces, a copy of / that is thrown away, systemd as process 1.
#   machine.sh keep FOLDER [SOURCE TARGET]…   runs one for as long as this process and its parent live
#   machine.sh try                            fails where none can be had
#   machine.sh sweep                          removes what is left of machines whose keeper is gone
# FOLDER is any empty one. Each SOURCE of the machine outside appears as TARGET inside.
set -eu

MOUNTS='--mount --propagation private'
NAMESPACES="$MOUNTS --pid --net --uts --ipc --fork --kill-child=SIGKILL"
# The control groups of a machine; the number of its keeper follows.
GROUP=sekisho-machine

# Every hierarchy of control groups that systemd uses, into folder $1: one (version 2), or one for each controller and
# `unified` (version 1 and hybrid). Inside a namespace of control groups each begins at the machine's own group.
mount_hierarchies() {
  if ! grep -qv '^0:' /proc/self/cgroup; then
    mount -t cgroup2 cgroup2 "$1"
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs "$1"
  while IFS=: read -r _ controllers _; do
    case $controllers in
      '') hierarchy=unified kind=cgroup2 options=rw ;;
      name=systemd) hierarchy=systemd kind=cgroup options=none,name=systemd ;;
      *memory* | *pids* | *devices* | *cpu | cpu,* | *cpuacct* | *blkio*)
        hierarchy=$controllers kind=cgroup options=$controllers ;;
      *) continue ;;
    esac
    mkdir "$1/$hierarchy"
    mount -t $kind -o "$options" cgroup "$1/$hierarchy"
    for controller in $(echo "$hierarchy" | tr , ' '); do
      [ -e "$1/$controller" ] || ln -s "$hierarchy" "$1/$controller"
    done
  done < /proc/self/cgroup
}

# The roots of what is mounted in folder $1.
hierarchies() {
  if [ -e "$1/cgroup.procs" ]; then echo "$1"; else find "$1" -mindepth 1 -maxdepth 1 -type d; fi
}

keep() {
  # shellcheck disable=SC2086
  exec setpriv --pdeathsig=SIGKILL unshare $NAMESPACES sh "$0" join "$GROUP-$$" "$@"
}

join() {
  group=$1 folder=$2
  mount_hierarchies "$folder"
  for root in $(hierarchies "$folder"); do
    # Of version 2 alone; where somebody outside forbids it, the machine has no such limits.
    [ ! -e "$root/cgroup.subtree_control" ] ||
      for controller in $(cat "$root/cgroup.controllers"); do
        echo "+$controller" > "$root/cgroup.subtree_control" || true
      done
    mkdir "$root/$group"
    echo 0 > "$root/$group/cgroup.procs"
  done
  umount -R "$folder"
  shift
  exec unshare --cgroup sh "$0" boot "$@"
}

boot() {
  folder=$1
  shift
  mount -t tmpfs tmpfs "$folder"
  mkdir "$folder/upper" "$folder/work" "$folder/root"
  mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
  root=$folder/root
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  # What is set there is set outside, too.
  mount -o bind,ro "$root/proc/sys" "$root/proc/sys"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount_hierarchies "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  make_devices "$root/dev"
  while [ $# -gt 0 ]; do
    appear "$1" "$root$2"
    shift 2
  done
  # Nothing that is set up outside starts inside.
  rm -rf "$root/etc/systemd/system" "$root/etc/fstab"
  mkdir -p "$root/etc/systemd/system" "$root/etc/systemd/journald.conf.d"
  printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' > "$root/etc/systemd/journald.conf.d/machine.conf"
  # It would clean /tmp of what appears there, and the journal of outside.
  for unit in systemd-tmpfiles-setup.service systemd-tmpfiles-clean.timer systemd-journal-flush.service; do
    ln -s /dev/null "$root/etc/systemd/system/$unit"
  done
  printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n' > "$root/etc/systemd/system/machine.target"
  ip link set lo up
  mkdir "$root/outside-root"
  cd "$root"
  pivot_root . outside-root
  umount -l /outside-root
  # It must set no clock, load no module and stop nothing outside.
  exec env -i container=sekisho-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_time,-sys_module,-sys_boot,-sys_rawio,-syslog \
    /lib/systemd/systemd --system --unit=machine.target --show-status=no
}

make_devices() {
  for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$1/${device%:*}" c 1 "${device#*:}"
  done
  mknod -m 666 "$1/tty" c 5 0
  mkdir "$1/pts" "$1/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$1/pts"
  ln -s pts/ptmx "$1/ptmx"
  mount -t tmpfs -o mode=1777 tmpfs "$1/shm"
}

# A file or folder $1 as $2.
appear() {
  mkdir -p "$(dirname "$2")"
  if [ -d "$1" ]; then mkdir -p "$2"; else touch "$2"; fi
  mount --rbind "$1" "$2"
}

sweep() {
  # shellcheck disable=SC2086
  exec unshare $MOUNTS sh "$0" sweep_here
}

sweep_here() {
  folder=$(mktemp -d)
  mount_hierarchies "$folder"
  for root in $(hierarchies "$folder"); do
    for group in "$root/$GROUP"-*; do
      [ -d "$group" ] && [ ! -e "/proc/${group##*-}" ] || continue
      # The kernel takes a moment to bury who was killed.
      for _ in 1 2 3 4 5 6 7 8 9 10; do
        find "$group" -depth -type d -exec rmdir {} + 2> /dev/null && break
        sleep 0.1
      done
    done
  done
  umount -R "$folder"
  rmdir "$folder"
}

try() {
  # shellcheck disable=SC2086
  exec unshare $NAMESPACES sh "$0" try_here
}

try_here() {
  folder=$(mktemp -d)
  trap 'umount -R "$folder"; rmdir "$folder"' EXIT
  mount -t tmpfs tmpfs "$folder"
  mkdir "$folder/upper" "$folder/work" "$folder/root" "$folder/groups" "$folder/dev"
  mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
  mkdir -p "$folder/root/etc/systemd"
  mount -t proc proc "$folder/root/proc"
  mount -t sysfs -o ro sysfs "$folder/root/sys"
  make_devices "$folder/dev"
  mount_hierarchies "$folder/groups"
  for root in $(hierarchies "$folder/groups"); do
    mkdir "$root/$GROUP-$$-try"
    rmdir "$root/$GROUP-$$-try"
  done
}

command=$1
shift
"$command" "$@"
