package cluster

import "syscall"

// memory is a folder in memory with room for the data, or "": copying a database there takes a tenth of the time.
func memory() string {
	const dir, need = "/dev/shm", 2 << 30
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil || s.Type != 0x01021994 || s.Bavail*uint64(s.Bsize) < need { // TMPFS_MAGIC
		return ""
	}
	return dir
}
