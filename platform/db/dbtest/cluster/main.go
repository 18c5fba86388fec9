// Command cluster starts or stops the PostgreSQL server that the tests share: `go run ./platform/db/dbtest/cluster start`.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/openclaw-pos/commerce/platform/db/dbtest/internal/cluster"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "start" {
		url, err := cluster.Start(context.Background())
		if err == nil {
			fmt.Println(url)
		}
		return err
	}
	if len(args) == 1 && args[0] == "stop" {
		return cluster.Stop()
	}
	return fmt.Errorf("usage: cluster start|stop")
}
