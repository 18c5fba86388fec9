package main

import (
	"context"
	"fmt"
)

const localKey = "bench-local-key-that-only-this-process-knows"

// dataset opens a data set: the one that was given, or a new one of so many orders. done closes it and removes what was made for it.
func dataset(ctx context.Context, s settings) (h *house, address string, done func(), err error) {
	address, data, remove := s.db, "", func() {}
	switch {
	case address != "":
		data = dataFolder(address)
	case s.sets != nil:
		address, data, err = s.sets.get(ctx, s)
	default:
		address, data, remove, err = newSet(ctx, s)
	}
	if err != nil {
		return nil, "", nil, err
	}
	if h, err = openHouse(ctx, address, data); err != nil {
		remove()
		return nil, "", nil, err
	}
	h.skus = skuCount
	h.app.API.Local = localKey
	return h, address, func() { _ = h.app.Close(); remove() }, nil
}

// newSet makes a data set in a place of its own.
func newSet(ctx context.Context, s settings) (address, data string, remove func(), err error) {
	p, err := newPlace(ctx, s.engine)
	if err != nil {
		return "", "", nil, err
	}
	if address, err = p.fresh(ctx); err == nil {
		err = seed(ctx, address, p.data(), s.orders, func(string, ...any) {})
	}
	if err != nil {
		p.close()
		return "", "", nil, err
	}
	return address, p.data(), p.close, nil
}

// sets are the data sets of one run of the table, by engine and size: making a large one takes longer than all that is asked of it.
type sets map[string]set

type set struct {
	address, data string
	remove        func()
}

func (all sets) get(ctx context.Context, s settings) (address, data string, err error) {
	key := fmt.Sprint(s.engine, s.orders)
	x, ok := all[key]
	if !ok {
		if x.address, x.data, x.remove, err = newSet(ctx, s); err != nil {
			return "", "", err
		}
		all[key] = x
	}
	return x.address, x.data, nil
}

// close removes them.
func (all sets) close() {
	for key, x := range all {
		x.remove()
		delete(all, key)
	}
}
