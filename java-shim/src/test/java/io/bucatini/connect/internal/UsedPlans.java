package io.bucatini.connect.internal;

import java.util.function.Consumer;
import org.apache.kafka.connect.data.Schema;

/** Plans that are used much, and so have classes of their own. */
final class UsedPlans {
    private UsedPlans() {}

    /** @param use one use of a struct's plan */
    static RowImagePlan of(Schema schema, Consumer<RowImagePlan> use) {
        RowImagePlan plan = RowImagePlan.of(schema);
        use(plan, use);
        return plan;
    }

    static void use(RowImagePlan plan, Consumer<RowImagePlan> use) {
        for (int i = 0; i < RowImagePlan.USED && plan.kind == RowImagePlan.STRUCT; i++) {
            use.accept(plan);
        }
        for (RowImagePlan child : plan.children) {
            use(child, use);
        }
        if (plan.item != null && plan.kind != RowImagePlan.REFERENCE) {
            use(plan.item, use);
        }
    }
}
