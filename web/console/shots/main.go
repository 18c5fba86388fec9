// Command shots makes pictures of every page of the console, in its languages, looks and sizes, into the folder that is named: `make shots`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/app/demo"
	"github.com/openclaw-pos/commerce/web/console/browser"
)

func main() {
	dir := flag.String("dir", "shots", "where pictures go")
	langs := flag.String("langs", "en,ur,ar", "which languages")
	themes := flag.String("themes", "light,dark", "which looks")
	only := flag.String("only", "", "only pages whose name contains this")
	sizes := flag.String("sizes", "desktop,tablet,phone", "which sizes")
	whole := flag.Bool("whole", false, "all of a page, also what is below the fold")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	t := tour{dir: *dir, only: *only, langs: strings.Split(*langs, ","), themes: strings.Split(*themes, ","), sizes: strings.Split(*sizes, ","), whole: *whole}
	if err := t.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// size is a window.
type size struct{ width, height int64 }

var windows = map[string]size{"desktop": {1440, 900}, "tablet": {820, 1180}, "phone": {390, 844}}

// tour is which pictures are made, and where they go.
type tour struct {
	dir, only            string
	langs, themes, sizes []string
	whole                bool
}

func (t tour) run(ctx context.Context) error {
	tmp, err := os.MkdirTemp("", "openclaw-shots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	stage, err := demo.OpenStage(ctx, tmp, "sqlite:"+filepath.Join(tmp, "shots.db")+"?sync=off", 90)
	if err != nil {
		return err
	}
	defer stage.Close()
	for _, live := range []func(context.Context) error{stage.Back, stage.Trouble, func(ctx context.Context) error { return flood(ctx, stage) }} {
		if err := live(ctx); err != nil {
			return err
		}
	}
	pages, err := paths(ctx, stage)
	if err != nil {
		return err
	}
	b, err := browser.Open(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return err
	}
	for _, lang := range t.langs {
		for _, theme := range t.themes {
			if err := t.walk(b, stage, pages, lang, theme); err != nil {
				return err
			}
		}
	}
	fmt.Printf("pictures are in %s\n", t.dir)
	return nil
}

// walk goes through all pages in one language and one look, in every size.
func (t tour) walk(b *browser.Browser, stage *demo.Stage, pages []page, lang, theme string) error {
	p := b.Page(stage.URL, 1440, 900)
	defer p.Close()
	p.SignIn(demo.StageEmail, demo.StagePassword)
	p.Speak(lang, theme)
	take := func(page page, size string) error {
		if !strings.Contains(page.name, t.only) {
			return nil
		}
		p.Go(page.path)
		if page.then != nil {
			page.then(p)
		}
		if t.whole { // a window as high as the page: what chromium takes from beyond its window is shifted where the page runs from right to left
			height, err := strconv.ParseInt(p.Text("String(Math.max(innerHeight, document.documentElement.scrollHeight))"), 10, 64)
			if err != nil {
				return errors.Join(p.Err(), err)
			}
			p.Size(windows[size].width, height)
			defer p.Size(windows[size].width, windows[size].height)
		}
		png := p.Shot(false)
		if p.Err() != nil {
			return fmt.Errorf("%s: %w", page.name, p.Err())
		}
		return os.WriteFile(filepath.Join(t.dir, strings.Join([]string{page.name, lang, theme, size}, "-")+".png"), png, 0o600)
	}
	for _, size := range t.sizes {
		p.Size(windows[size].width, windows[size].height)
		for _, page := range pages {
			if err := take(page, size); err != nil {
				return err
			}
		}
	}
	p.Go("/console/")
	p.Click("form[action$='/signout'] button") // what is shown before signing in comes last
	p.At("/console/signin")
	for _, size := range t.sizes {
		p.Size(windows[size].width, windows[size].height)
		for _, door := range []page{{name: "signin", path: "/console/signin"}, {name: "setup", path: "/console/setup"}, {name: "accept", path: "/console/accept"}} {
			if err := take(door, size); err != nil {
				return err
			}
		}
	}
	return nil
}
