#!/bin/busybox sh
# The first process of a machine. What is proved is named on the command line of the kernel; its program says lines that begin
# with @securemem on the console, and everything else there is talk.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
for module in /modules/*.ko; do insmod "$module" 2>/dev/null; done
ip link set lo up 2>/dev/null
ulimit -c unlimited
cd /program
scenario=$(sed -n 's/.*securemem\.scenario=\([a-z-]*\).*/\1/p' /proc/cmdline)
echo "@securemem {\"kernel\":\"$(uname -r)\",\"machine\":\"$(uname -m)\"}"
node "guest/$scenario.mjs"
echo "@securemem {\"end\":$?}"
sync
poweroff -f
