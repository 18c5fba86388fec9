package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// frozenPages are the schemas as they are now, to be frozen. It refuses while one of them breaks what was frozen before.
func frozenPages(root string) ([]page, error) {
	broken, err := brokenContracts(root)
	if err != nil {
		return nil, err
	}
	if len(broken) > 0 {
		return nil, errors.New(strings.Join(broken, "\n"))
	}
	all, err := schemaPages(root)
	for i := range all {
		all[i].name = strings.Replace(all[i].name, "docs/events/", frozenDir, 1)
	}
	return all, err
}

const frozenDir = "docs/events/frozen/"

// brokenContracts compares every frozen schema with what the structs say now. A version may gain optional fields; anything else is a new type beside it.
func brokenContracts(root string) ([]string, error) {
	now := map[string][]byte{}
	all, err := schemaPages(root)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		now[filepath.Base(p.name)] = p.body
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(frozenDir), "*.json"))
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, file := range files {
		name := filepath.Base(file)
		frozen, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if now[name] == nil {
			wrong = append(wrong, frozenDir+name+": the contract is gone")
			continue
		}
		diffs, err := breaks(frozen, now[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, d := range diffs {
			wrong = append(wrong, frozenDir+name+": "+d)
		}
	}
	return wrong, nil
}

// unfrozen names the contracts that have no frozen schema yet.
func unfrozen(root string) ([]string, error) {
	all, err := schemaPages(root)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range all {
		name := frozenDir + filepath.Base(p.name)
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); errors.Is(err, fs.ErrNotExist) {
			names = append(names, name+" is missing: run `go run ./docs/gen -freeze`")
		}
	}
	return names, nil
}

// breaks lists what a schema no longer keeps of its frozen form.
func breaks(frozen, now []byte) ([]string, error) {
	var a, b any
	if err := json.Unmarshal(frozen, &a); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(now, &b); err != nil {
		return nil, err
	}
	var wrong []string
	differ("", a, b, &wrong)
	return wrong, nil
}

// differ walks two schemas. Words for people do not count, new properties do only when they are required.
func differ(path string, frozen, now any, wrong *[]string) {
	was, ok := frozen.(map[string]any)
	if !ok {
		if !reflect.DeepEqual(frozen, now) {
			*wrong = append(*wrong, fmt.Sprintf("%s was %s and is %s", orRoot(path), short(frozen), short(now)))
		}
		return
	}
	is, ok := now.(map[string]any)
	if !ok {
		*wrong = append(*wrong, orRoot(path)+" is gone")
		return
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	open := last == "properties" || last == "$defs" // the names in it are a contract's own
	for _, name := range keys(was, is) {
		a, before := was[name]
		b, after := is[name]
		at := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case !open && (name == "description" || name == "title"):
		case !after:
			*wrong = append(*wrong, at+" is gone")
		case before:
			differ(at, a, b, wrong)
		case !open:
			*wrong = append(*wrong, at+" is new: "+short(b))
		}
	}
}

func orRoot(path string) string {
	if path == "" {
		return "the schema"
	}
	return path
}

func short(v any) string {
	b, err := text(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func keys(all ...map[string]any) []string {
	var names []string
	for _, m := range all {
		for name := range m {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
