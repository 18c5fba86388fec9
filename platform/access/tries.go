package access

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// Tries are counted before the password is looked at, so that many at once count like one after the other. A device that has signed this
// person in before has a count of its own: whatever others try, they lock nobody out who comes from there
// (https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies). Strangers share three: of this person from this
// network, of this network, and of this person from wherever strangers come.
type limit struct {
	free  int64         // tries without waiting
	first time.Duration // wait after the first that is not free; it doubles with every further one
	most  time.Duration // and grows no longer than this
	over  time.Duration // without a try for so long, the count starts anew
}

var (
	perDevice   = limit{5, time.Second, 15 * time.Minute, time.Hour}
	perPair     = limit{5, 2 * time.Second, 15 * time.Minute, time.Hour}
	perNetwork  = limit{50, time.Second, time.Minute, 15 * time.Minute}
	perStranger = limit{100, 2 * time.Second, 15 * time.Minute, time.Hour}
)

// try is one count.
type try struct {
	bucket string
	limit  limit
	own    bool // of this person alone: signing in clears it
}

type tries []try

// triesOf says what an attempt counts towards, in the order in which rows are locked.
func (u *Users) triesOf(a Attempt, who User, has kept) (tries, error) {
	net, email := network(a.Address), folded(a.Email)
	all := []struct {
		domain, of string
		limit      limit
		own        bool
	}{{"pair", email + "\x00" + net, perPair, true}, {"network", net, perNetwork, false}, {"stranger", email, perStranger, false}}
	if who.ID != "" && u.knows(a.Device, who.ID, has.epoch) {
		all = all[:1]
		all[0].domain, all[0].of, all[0].limit = "device", a.Device, perDevice
	}
	var out tries
	for _, t := range all {
		hash, err := u.hash.Text("tries", t.domain+"\x00"+t.of)
		if err != nil {
			return nil, err
		}
		out = append(out, try{t.domain + ":" + hash, t.limit, t.own})
	}
	slices.SortFunc(out, func(a, b try) int { return strings.Compare(a.bucket, b.bucket) })
	return out, nil
}

// take counts a try, or says how long to wait. Fault: Throttled.
func (u *Users) take(ctx context.Context, all tries) error {
	return u.db.Write(ctx, func(tx *db.Tx) error {
		counts := make([]int64, len(all))
		for i, t := range all {
			tx.Locking(db.LockOther, "try:"+t.bucket)
			if _, err := tx.Exec(`insert into sign_in_tries (bucket, tries, last_at, next_at) values ($1, 0, $2, $2) on conflict (bucket) do nothing`, t.bucket, tx.Now.UnixMicro()); err != nil {
				return err
			}
			var last, next time.Time
			if err := tx.QueryRow(`select tries, last_at, next_at from sign_in_tries where bucket = $1`+tx.Lock(), t.bucket).Scan(&counts[i], db.Time(&last), db.Time(&next)); err != nil {
				return err
			}
			if tx.Now.Before(next) {
				return fault.Wait(next.Sub(tx.Now), "too many tries: wait, then try again").WithCode("throttled")
			}
			if tx.Now.Sub(last) > t.limit.over {
				counts[i] = 0
			}
		}
		for i, t := range all {
			n := counts[i] + 1
			if _, err := tx.Exec(`update sign_in_tries set tries = $2, last_at = $3, next_at = $4 where bucket = $1`,
				t.bucket, n, tx.Now.UnixMicro(), tx.Now.Add(t.limit.wait(n)).UnixMicro()); err != nil {
				return err
			}
		}
		return nil
	})
}

// wait is how long after the n-th try the next one may come.
func (l limit) wait(n int64) time.Duration {
	if n < l.free {
		return 0
	}
	d := l.first
	for range min(n-l.free, 40) {
		if d *= 2; d >= l.most {
			return l.most
		}
	}
	return d
}

// succeed clears what counts this person's own tries, and gives back the one that was taken from what others share.
func succeed(tx *db.Tx, all tries) error {
	for _, t := range all {
		if !t.own {
			continue
		}
		if _, err := tx.Exec(`delete from sign_in_tries where bucket = $1`, t.bucket); err != nil {
			return err
		}
	}
	return giveBack(tx, slices.DeleteFunc(slices.Clone(all), func(t try) bool { return t.own }))
}

func giveBack(tx *db.Tx, all tries) error {
	for _, t := range all {
		if _, err := tx.Exec(`update sign_in_tries set tries = tries - 1, next_at = last_at where bucket = $1 and tries > 0`, t.bucket); err != nil {
			return err
		}
	}
	return nil
}

const deviceBrand = "ocd_"

// newDevice says that a device has signed a person in; a new password forgets all devices.
func (u *Users) newDevice(user string, epoch int64) (vault.Secret, error) {
	id := random(22)
	mac, err := u.hash.Text("device", deviceText(user, epoch, id))
	return vault.Hide(deviceBrand + id + "_" + mac), err
}

func (u *Users) knows(device, user string, epoch int64) bool {
	id, mac, ok := strings.Cut(strings.TrimPrefix(device, deviceBrand), "_")
	if !ok || len(device) > 200 || len(id) != 22 {
		return false
	}
	want, err := u.hash.Text("device", deviceText(user, epoch, id))
	return err == nil && same(want, mac)
}

func deviceText(user string, epoch int64, id string) string {
	return user + "\x00" + strconv.FormatInt(epoch, 10) + "\x00" + id
}

// network is the network an address is in: what one customer of a provider is given.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	if a.Is4() {
		return a.String()
	}
	return p.String()
}
