// Publishes messages to the pipeline's queue: plain keys, one nanosecond timestamp each.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Sample is what one GPU reports at one instant; apps/mq/README.md lists every field.
type Sample struct {
	Timestamp      time.Time `json:"timestamp"`
	GPUID          int       `json:"gpu_id"`
	Hostname       string    `json:"hostname"`
	UUID           string    `json:"uuid"`
	GPUUtilization float64   `json:"gpu_utilization"`
	PowerDraw      float64   `json:"power_draw"`
}

func main() {
	endpoints := flag.String("endpoints", "127.0.0.1:2379", "host:port of etcd, separated by commas")
	cluster := flag.String("cluster", "default", "CLUSTER_ID of the pipeline")
	count := flag.Int("count", 10, "how many messages to publish")
	flag.Parse()

	client, err := clientv3.New(clientv3.Config{
		Endpoints:   strings.Split(*endpoints, ","),
		DialTimeout: 5 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for sequence := range *count {
		if err := publish(client, *cluster, sequence); err != nil {
			log.Fatalf("message %d: %v", sequence, err)
		}
	}
	fmt.Printf("%d messages published\n", *count)
}

// publish returns when etcd has acknowledged the message. When it fails the message may be there
// all the same: repeat it under the same key.
func publish(client *clientv3.Client, cluster string, sequence int) error {
	now := time.Now().UTC()
	sample := Sample{now, 0, "go-node-1", "GPU-go-0", 97.5, 412.25}
	value, err := json.Marshal(sample)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("/telemetry/queue/%s/%d_%s_%d_%d",
		cluster, now.UnixNano(), sample.Hostname, sample.GPUID, sequence)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = client.Put(ctx, key, string(value))
	return err
}
